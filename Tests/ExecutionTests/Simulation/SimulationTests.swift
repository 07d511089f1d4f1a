import Foundation
import Testing

/// Thousands of random studies: strategies, schedulers, lags, workers, budgets, retries, operating points; crashes around any commit,
/// stops, deaths, hangs, delays, repetitions and lies. A failure prints what to run again.
///
/// `HALCYON_HISTORIES=50000` is the full size; `HALCYON_HISTORY_SEED` makes others, `HALCYON_HISTORY_FIRST=N` begins with number N.
@Suite struct SimulationTests {
    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? standard
    }

    @Test func whateverBefallsAStudyNothingIsLost() {
        let count = Self.number("HALCYON_HISTORIES", 1_500)
        let seed = Self.number("HALCYON_HISTORY_SEED", 1)
        let first = Self.number("HALCYON_HISTORY_FIRST", 0)
        var (sessions, crashes, compared, events, failures) = (0, 0, 0, 0, 0)
        let begin = Date()
        for number in first..<first + count {
            let run = HistoryRun(SimulatedHistory(seed: seed, number: number))
            sessions += run.sessions
            crashes += run.crashes
            compared += run.wasCompared ? 1 : 0
            events += run.records.count
            guard !run.faults.isEmpty else { continue }
            failures += 1
            Issue.record(
                """
                HALCYON_HISTORY_SEED=\(seed) HALCYON_HISTORY_FIRST=\(number) HALCYON_HISTORIES=1: \
                \(run.faults.prefix(3).joined(separator: "; "))
                """)
            if failures >= 10 { break }
        }
        let seconds = Date().timeIntervalSince(begin)
        print(
            "\(count) histories, \(sessions) sessions, \(crashes) crashes, \(events) events, \(compared) compared with the undisturbed "
                + "study, \(failures) failures, \(String(format: "%.1f", seconds)) s")
        if count >= 1000 { #expect(crashes > count && compared > count / 10, "the histories are too quiet to prove much") }
    }

    /// The laws are sharp: each kind of bug, planted in the log, is found.
    @Test(arguments: SimulatedLog.Bug.allCases) func aPlantedBugIsFound(_ bug: SimulatedLog.Bug) {
        let seed = Self.number("HALCYON_HISTORY_SEED", 1)
        for number in 0..<1_000 {
            let run = HistoryRun(SimulatedHistory(seed: seed, number: number), bug: bug)
            if let fault = run.faults.first {
                print("\(bug): found by history \(number): \(fault)")
                return
            }
        }
        Issue.record("\(bug) was not found within 1,000 histories")
    }
}
