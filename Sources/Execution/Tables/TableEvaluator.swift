import Documents
import Foundation
import Trials

/// Answers a request from a table instead of training; a trial's seed chooses among the table's seeds, so that a repeat with the next
/// seed has the next of them.
package struct TableEvaluator: TrialEvaluator {
    private let table: Table
    private let sleeps: Bool

    /// - Parameter sleeps: whether an attempt takes its time, in pieces between which it can be stopped.
    package init(_ table: Table, sleeps: Bool = false) {
        self.table = table
        self.sleeps = sleeps
    }

    package func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
        let begin = monotonicSeconds()
        guard let row = try table.row(of: request.candidate),
            let metrics = table.metrics(row, resource: request.resource, seed: request.seed)
        else {
            throw FatalTrialError("\(table.description.path) has no row for \(request.candidate.json) at \(request.resource)")
        }
        if sleeps {
            let end = begin + duration(of: request)
            while true {
                let rest = end - monotonicSeconds()
                if rest <= 0 { break }
                if shouldStop() { return }
                Thread.sleep(forTimeInterval: min(rest, 0.1))
            }
        }
        try report(
            .result(trial: request.trial, attempt: request.attempt, resource: request.resource, points: [Point(metrics: metrics)])
        )
    }

    /// Seconds that the attempt takes, in virtual time or asleep.
    package func duration(of request: TrialRequest) -> Double {
        guard let row = try? table.row(of: request.candidate) else { return 0 }
        return table.duration(row, from: request.previousResource, to: request.resource)
    }
}
