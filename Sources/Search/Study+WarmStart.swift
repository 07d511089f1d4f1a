import Documents
import SearchSpaces
import Trials

/// A candidate that the experiment gives, with what is known without training.
struct GivenCandidate: Sendable {
    var name: String
    var candidate: Document
    var genotype: Genotype?
    var inspection: CandidateInspection
}

/// What a study begins with: candidates that the experiment gives, and results of another study.
extension Study {
    /// Takes results of another study along. They are part of the log from the first session on, which alone brings them in.
    package mutating func learn(_ results: [TransferredResult]) { newcomers = results }

    /// The candidate, unless it cannot be built or breaks a bound: the same as a proposal.
    private func feasible(_ given: WarmStart.Given) -> GivenCandidate? {
        guard case .success(let inspection) = inspect(given.candidate) else { return nil }
        let genotype = given.genotype.flatMap { try? space.genotype(from: $0) }
        return GivenCandidate(name: given.name, candidate: given.candidate, genotype: genotype, inspection: inspection)
    }

    /// The start of the first candidate given that no trial has yet.
    mutating func nextGiven(_ number: Int, resource: Int) -> (fact: StudyFact, genotype: Genotype?)? {
        let all = given ?? settings.warmStart.trials.compactMap(feasible)
        given = all
        guard let next = all.first(where: { candidates[$0.inspection.candidateHash] == nil }) else { return nil }
        let trial = trials.count
        let start = StudyFact.StartedTrial(
            decision: number, trial: trial, resource: resource, seed: Int(seeds.split(trial).key >> 11), strategy: "given (\(next.name))",
            genotype: next.genotype?.document ?? .null, candidate: next.candidate, inspection: next.inspection)
        return (.started(start), next.genotype ?? Genotype())
    }

    /// Tells the strategy of another study's result, as of a training that has a sixteenth of the steps of a complete one here: its
    /// recipe, data and machine may be others, so that it foretells a result of this study as an early rung does.
    mutating func transfer(_ result: TransferredResult, _ genotype: Genotype?) {
        transferredCount += 1
        guard let genotype else { return }
        strategy.observe(
            .transferred(
                number: Int(Int32.min) + transferredCount, genotype: genotype, resource: Double(lastRung) / 16 * result.part,
                points: result.points))
    }
}
