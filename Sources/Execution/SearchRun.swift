import Documents
import Search
import SearchSpaces
import Trials

/// What a search can be judged on: something whose true values are known for each candidate.
package protocol SearchSubject: Sendable {
    var evaluator: any TrialEvaluator { get }
    var inspector: any CandidateInspector { get }
    /// Virtual seconds of an attempt.
    func duration(_ request: TrialRequest) -> Double
    /// The true metrics at the last rung, whatever a trial measured.
    func truth(_ candidate: Document, _ settings: StudySettings) throws -> [String: Double]
    /// The hypervolume of the best that there is.
    func hypervolume(_ settings: StudySettings) -> Double
}

/// One search in virtual time, judged by the subject's truth, whatever the trials measured.
package struct SearchRun: Sendable {
    /// After each complete trial, in their order.
    package struct Place: Sendable, Equatable {
        /// Units of the resource that all attempts begun so far take.
        package var cost: Double
        /// The hypervolume of what is complete, as a part of the best there is.
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
        _ settings: StudySettings, space: SearchSpace, subject: any SearchSubject, best: Double, charge: SimulatedExecutor.Charge
    ) throws {
        let executor = SimulatedExecutor(
            slots: settings.workers ?? 1, evaluator: subject.evaluator, charge: charge, duration: subject.duration)
        let log = MemoryLog()
        let study = try Study(settings, space: space, inspector: subject.inspector)
        _ = try Controller(study: study, log: log, executor: executor, clock: executor.clock).run()

        let reference = settings.objectives.map { $0.loss($0.reference) }
        var candidates: [(document: Document, identity: String)] = []
        var front = ParetoFront()
        var (places, reached): ([Place], [Int: Int]) = ([], [:])
        var (cost, ratio) = (0.0, 0.0)
        var counts: [String: Int] = [:]
        for record in log.records() {
            switch record.fact {
            case .started(let start): candidates.append((start.candidate, start.inspection.architecture.digest))
            case .attemptStarted(let trial, _, _, let resource, _): cost += Double(resource - reached[trial, default: 0])
            case .reached(let trial, _, let resource, _, _, let complete):
                reached[trial] = resource
                guard complete else { continue }
                counts[candidates[trial].identity, default: 0] += 1
                let metrics = try subject.truth(candidates[trial].document, settings)
                if settings.constraints.allow(metrics),
                    let losses = Search.losses(of: Point(metrics: metrics), objectives: settings.objectives),
                    front.insert(trial: trial, point: 0, losses: losses)
                {
                    ratio = front.hypervolume(reference: reference) / best
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
