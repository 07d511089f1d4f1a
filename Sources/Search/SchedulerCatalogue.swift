import Trials

/// Every scheduler that an experiment's `fidelity:` can name.
package let schedulerCatalogue: [any Scheduler.Type] = [
    FullScheduler.self,
    ASHAScheduler.self,
    HyperbandScheduler.self,
    MedianScheduler.self,
]

package func makeScheduler(_ fidelity: Fidelity, objectives: [Objective]) -> any Scheduler {
    guard let type = schedulerCatalogue.first(where: { $0.kind == fidelity.kind }) else { preconditionFailure("\(fidelity.kind)") }
    return type.init(fidelity: fidelity, objectives: objectives)
}
