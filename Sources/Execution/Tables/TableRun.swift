import Documents
import Search
import SearchSpaces
import Trials

/// One search on a table in virtual time, judged by the table's own means at the last rung, whatever the trials measured.
package struct TableRun: Sendable {
    /// After each complete trial, in their order.
    package struct Place: Sendable, Equatable {
        /// Units of the resource that all attempts begun so far take.
        package var cost: Double
        /// The hypervolume of what is complete, as a part of that of the whole table.
        package var ratio: Double

        package init(cost: Double, ratio: Double) {
            self.cost = cost
            self.ratio = ratio
        }
    }

    package let places: [Place]
    /// Architectures of which more than one trial was complete.
    package let repeatedCount: Int
    /// Real seconds of the controller for each attempt.
    package let thinkingSeconds: [Double]
    /// Virtual seconds from the first to the last event.
    package let seconds: Double

    /// - Throws: `InputError` for a strategy's wrong settings.
    package init(
        _ settings: StudySettings, space: SearchSpace, table: Table, truth: Double, charge: SimulatedExecutor.Charge
    ) throws {
        let evaluator = TableEvaluator(table)
        let executor = SimulatedExecutor(
            slots: settings.workers ?? 1, evaluator: evaluator, charge: charge, duration: evaluator.duration)
        let log = MemoryLog()
        let study = try Study(settings, space: space, inspector: TableInspector(table))
        _ = try Controller(study: study, log: log, executor: executor, clock: executor.clock).run()

        let reference = settings.objectives.map { $0.loss($0.reference) }
        var rows: [Int] = []
        var front = ParetoFront()
        var (places, reached): ([Place], [Int: Int]) = ([], [:])
        var (cost, ratio) = (0.0, 0.0)
        var counts: [Int: Int] = [:]
        for record in log.records() {
            switch record.fact {
            case .started(let start): rows.append(try table.row(of: start.candidate) ?? -1)
            case .attemptStarted(let trial, _, _, let resource, _): cost += Double(resource - reached[trial, default: 0])
            case .reached(let trial, _, let resource, _, _, let complete):
                reached[trial] = resource
                guard complete else { continue }
                counts[rows[trial], default: 0] += 1
                if let losses = table.losses(rows[trial], settings), front.insert(trial: trial, point: 0, losses: losses) {
                    ratio = front.hypervolume(reference: reference) / truth
                }
                places.append(Place(cost: cost, ratio: ratio))
            default: break
            }
        }
        self.places = places
        repeatedCount = counts.values.count { $0 > 1 }
        thinkingSeconds = executor.thinkingSeconds
        seconds = executor.clock.now
    }
}

extension Table {
    /// The row's mean losses at the last rung; nil where it breaks a constraint.
    fileprivate func losses(_ row: Int, _ settings: StudySettings) -> [Double]? {
        let metrics = means(row, resource: settings.fidelity.rungs[settings.fidelity.rungs.count - 1])
        guard settings.constraints.allSatisfy({ metrics[$0.metric].map($0.allows) ?? true }) else { return nil }
        return Search.losses(of: Point(metrics: metrics), objectives: settings.objectives)
    }

    /// The hypervolume of all rows, by their means.
    package func hypervolume(_ settings: StudySettings) -> Double {
        Search.hypervolume(
            points: (0..<count).compactMap { losses($0, settings) }, reference: settings.objectives.map { $0.loss($0.reference) })
    }
}
