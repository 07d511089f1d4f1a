import Trials

/// Hyperband (Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", 2018), asynchronous (Li et al., 2020,
/// section 3.2): bracket b is an `ASHAScheduler` whose first rung is the b-th, so that trials which start slowly are not all judged early.
/// `{kind: hyperband, rungs: [12, 50, 200], reduction: 4}`
///
/// A new trial goes to the bracket that lacks most of its share; shares are Hyperband's, ceil((B / (s + 1)) reduction^s) trials of a
/// bracket with s promotions, B brackets. Promotions of any bracket come before new trials.
package struct HyperbandScheduler: Scheduler {
    package static let kind = Fidelity.Kind.hyperband
    private let resources: [Int]
    private let shares: [Double]
    private var brackets: [ASHAScheduler]
    private var startedCounts: [Int]
    private var bracket: [Int: Int] = [:]

    package init(fidelity: Fidelity, objectives: [Objective]) {
        resources = fidelity.rungs
        let count = fidelity.rungs.count
        brackets = (0..<count).map { first in
            var part = fidelity
            part.rungs = Array(fidelity.rungs[first...])
            return ASHAScheduler(fidelity: part, objectives: objectives)
        }
        shares = (0..<count).map { first in
            let promotions = count - 1 - first
            let power = (0..<promotions).reduce(1.0) { power, _ in power * Double(fidelity.reduction) }
            return (Double(count) / Double(promotions + 1) * power).rounded(.up)
        }
        startedCounts = Array(repeating: 0, count: count)
    }

    package mutating func observe(_ observation: Observation) {
        let trial: Int
        switch observation {
        case .started(let number, _, let resource):
            let chosen = resources.firstIndex(of: resource) ?? 0
            bracket[number] = chosen
            startedCounts[chosen] += 1
            trial = number
        case .continued(let number, _), .result(let number, _, _), .stopped(let number), .failed(let number): trial = number
        case .transferred: return
        }
        if let place = bracket[trial] { brackets[place].observe(observation) }
    }

    package mutating func choose(mayStart: Bool) -> SchedulerChoice {
        for place in brackets.indices {
            if let promotion = brackets[place].promotion() { return promotion }
        }
        if mayStart {
            let next = brackets.indices.min {
                (Double(startedCounts[$0]) / shares[$0], $0) < (Double(startedCounts[$1]) / shares[$1], $1)
            }
            return .start(resource: resources[next ?? 0])
        }
        guard !brackets.contains(where: \.isPromising) else { return .nothing }
        for place in brackets.indices.reversed() {
            if let promotion = brackets[place].lastResort() { return promotion }
        }
        return .nothing
    }
}
