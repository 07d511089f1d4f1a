import Trials

/// Every trial goes to the last rung at once; nothing is stopped. `{kind: full}`
package struct FullScheduler: Scheduler {
    package static let kind = Fidelity.Kind.full
    private let resource: Int

    package init(fidelity: Fidelity, objectives: [Objective]) {
        guard let last = fidelity.rungs.last else { preconditionFailure("a fidelity has at least one rung") }
        resource = last
    }

    package mutating func observe(_ observation: Observation) {}

    package mutating func choose(mayStart: Bool) -> SchedulerChoice { mayStart ? .start(resource: resource) : .nothing }
}
