import COpenBLAS
import Documents
import Foundation
import RandomStreams
import SearchSpaces
import Trials

/// Surrogate-assisted Pareto search. `{kind: surrogate, initial: 10, candidates: 160, caution: 0.25}`
///
/// After `initial` trials (`InitialDesign`) each proposal is the candidate with the largest expected hypervolume improvement
/// under Gaussian processes of the objectives. Candidates are one- and two-edit neighbours of the front, crossings of its members,
/// small moves of numbers, and samples of the whole space; then neighbours of the best of these, twice. Trials under way count as if
/// they had the losses expected of them, and nothing is uncertain near them: proposals do not cluster (Ginsbourger et al.,
/// "Kriging is well-suited to parallelize optimization", 2010). Results at a lower resource are points of the same models, with the resource
/// as one more number; candidates are judged at the highest resource seen. Constrained metrics have models too: the gain counts by the
/// probability that all bounds are met; and by that of not failing, from how near failed trials are.
///
/// Deviations count by `caution` only: searches of a few hundred trials gain more where the models foretell much than where they know
/// little (chosen on the tables of `Experiments/search-quality`, where the differences are small).
///
/// Where time is what is scarce (`weigh`), the design takes the cheapest of `designDraws` proposals, and the gain counts by the second:
/// divided by what the trial is expected to cost, with a quarter of a typical one's added for what each costs besides training. Small
/// networks tell in little time what is worth being large, and most of a front's hypervolume is theirs. Every second proposal explores
/// instead: its gain counts whatever the time, divided by how many trials its family has had. A family that is best where networks are
/// small need not be so where they are large, and a first rung is cheap. The models learn what networks of one size do not have in common
/// (`SizeTrend`): without, a far candidate is taken for one of middling size. Deviations count more, 0.7: with a few dozen trials, copies of
/// the best one are all that the models know. (Design, gain for the time and deviations were chosen in races with made-up networks, whose
/// accuracy, latency and time spread as measured ones do. The exploring was not: real searches stayed in one family without it.)
///
/// A proposal depends on the observations alone: `redraw` takes the next best candidate, so refused ones are passed over.
package struct SurrogateStrategy: Strategy {
    package static let kind = "surrogate"

    private let vectors: DecisionVectors
    private let objectives: [Objective]
    private var design: InitialDesign
    private var history: SurrogateHistory
    private var model: SurrogateModel
    private let candidateCount: Int
    /// The candidates for the next trial, best first; worked out when a proposal needs them.
    private var ranking: [DecisionVectors.Vector]?

    /// What deviations are multiplied by.
    private var caution: Double { givenCaution ?? (history.cost == nil ? 0.25 : 0.7) }
    private let givenCaution: Double?
    /// The objective that tells how long a trial takes: the time of a training goes with a latency more nearly than with operations, whose
    /// speed differs between families.
    private var timeObjective: Int?
    private var costMetric: String? { history.cost.map { cost in timeObjective.map { objectives[$0].metric } ?? cost.metric } }
    private static let designDraws = 4
    /// So many candidates get exact deviations and the exact gain.
    private static let finalists = 40

    package init(settings: Document, space: SearchSpace, objectives: [Objective], constraints: [Constraint]) throws {
        try settings.allowOnly(["kind", "initial", "candidates", "caution"])
        guard halcyon_cholesky_is_there() != 0 else {
            throw settings.fail("strategy: its models need OpenBLAS, and libopenblas.so.0 cannot be loaded", hint: "install libopenblas0")
        }
        vectors = DecisionVectors(space)
        self.objectives = objectives
        design = InitialDesign(space: space, size: try settings.optional("initial")?.int("initial", in: 1...100_000) ?? 10)
        candidateCount = try settings.optional("candidates")?.int("candidates", in: 8...100_000) ?? 160
        givenCaution = try settings.optional("caution")?.double("caution", in: 0.01...10)
        let kernel = KernelSpace(vectors)
        history = SurrogateHistory(space: kernel, objectives: objectives, constraints: constraints)
        model = SurrogateModel(space: kernel, objectives: objectives, constraints: constraints)
    }

    package var summary: String { costMetric.map { "\(Self.kind), gain per \($0)" } ?? Self.kind }

    package mutating func weigh(_ cost: TrialCost) {
        history.cost = cost
        timeObjective = objectives.firstIndex { isMeasuredTime($0.metric) }
    }

    package mutating func observe(_ observation: Observation) {
        ranking = nil
        design.observe(observation)
        history.observe(observation)
    }

    package mutating func observe(rejected genotype: Genotype) {
        ranking = nil
        history.observe(rejected: genotype)
    }

    package mutating func propose(redraw: Int, using stream: inout RandomStream) -> Genotype {
        guard design.isComplete, history.entries.count >= SurrogateModel.firstFit else { return proposeNew(redraw, using: &stream) }
        let ranking = ranking ?? rank()
        self.ranking = ranking
        if redraw < ranking.count { return vectors.genotype(ranking[redraw]) }
        return vectors.space.sample(using: &stream)
    }

    /// A sample of the design, or another one when it was started before.
    private func proposeNew(_ redraw: Int, using stream: inout RandomStream) -> Genotype {
        var genotype = design.propose(redraw: redraw, using: &stream)
        if let cost = history.cost {
            var least = cost.estimate(genotype) ?? .infinity
            for _ in 1..<Self.designDraws {
                let other = design.propose(redraw: redraw, using: &stream)
                if let estimate = cost.estimate(other), estimate < least { (genotype, least) = (other, estimate) }
            }
        }
        for _ in 0..<16 where history.known.contains(SurrogateHistory.identity(vectors.vector(genotype))) {
            genotype = vectors.space.sample(using: &stream)
        }
        return genotype
    }

    private struct Candidate {
        var vector: DecisionVectors.Vector
        var input: KernelInput
        var gain = 0.0
        /// Decides between those that no gain is expected of: how far the optimistic losses lie from the best ones.
        var distance = 0.0
    }

    /// The front at the highest resource, with what is expected of trials under way there, and what is above it.
    private mutating func expectedGain(at resource: Double) -> ExpectedGain {
        var front = history.front.members().map(\.losses)
        let space = history.space
        for number in history.pending {
            guard let trial = history.trials[number] else { continue }
            let input = KernelInput(trial.vector, resource: resource, size: history.size(trial.vector) ?? 0, in: space)
            let belief = model.belief(input, failed: [], isRough: true)
            if belief.feasibility < 0.5 { continue }
            front.append(belief.means.enumerated().map { model.warps[$0].inverse($1) })
        }
        return ExpectedGain(front: front, reference: objectives.map { $0.loss($0.reference) }, warps: model.warps)
    }

    /// What a trial costs by its losses, as told or expected, and its size.
    private func cost(_ losses: (Int) -> Double, size: Double) -> Double { timeObjective.map(losses) ?? exp(size) }

    /// What a gain is divided by.
    private enum Scale {
        case none
        /// What the trial is expected to cost, as a part of a typical one.
        case cost(typical: Double)
        /// How often the candidate's family was tried.
        case family
    }

    private var scale: Scale {
        if history.cost == nil { return .none }
        if history.trials.count % 2 == 1 { return .family }
        let costs = history.entries.map { entry in cost({ entry.losses[$0] }, size: entry.input.size) }.sorted()
        return .cost(typical: costs.isEmpty ? 1 : max(costs[costs.count / 2], 1e-9))
    }

    private mutating func judge(_ candidate: inout Candidate, by gain: ExpectedGain, scale: Scale, isRough: Bool) {
        let belief = model.belief(candidate.input, failed: history.failed, caution: caution, isRough: isRough)
        let warps = model.warps
        candidate.gain = belief.feasibility * gain(belief)
        switch scale {
        case .none: break
        case .cost(let typical):
            candidate.gain /= cost({ warps[$0].inverse(belief.means[$0]) }, size: candidate.input.size) / typical + 0.25
        case .family: candidate.gain /= Double(1 + history.starts[candidate.input.family, default: 0])
        }
        candidate.distance = belief.means.indices.reduce(-belief.feasibility) { total, axis in
            let warp = warps[axis]
            return total + (belief.means[axis] - belief.deviations[axis] - (warp.reference - warp.span)) / warp.span
        }
    }

    private mutating func rank() -> [DecisionVectors.Vector] {
        model.update(history)
        let space = history.space
        let resource = history.place
        let gain = expectedGain(at: resource)
        let scale = scale
        var pool = CandidatePool(vectors: vectors, history: history)
        var candidates: [Candidate] = []
        // Best first: what is moved about is their places.
        func sorted(_ candidates: [Candidate]) -> [Candidate] {
            let keys = candidates.map { (gain: $0.gain, distance: $0.distance) }
            let order = keys.indices.sorted { a, b in
                if keys[a].gain != keys[b].gain { return keys[a].gain > keys[b].gain }
                return (keys[a].distance, a) < (keys[b].distance, b)
            }
            return order.map { candidates[$0] }
        }
        func take(_ found: [DecisionVectors.Vector]) {
            for vector in found {
                guard let size = history.size(vector) else { continue }
                var candidate = Candidate(vector: vector, input: KernelInput(vector, resource: resource, size: size, in: space))
                judge(&candidate, by: gain, scale: scale, isRough: true)
                candidates.append(candidate)
            }
            candidates = sorted(candidates)
        }
        take(pool.draw(candidateCount))
        for _ in 0..<2 { take(pool.neighbours(of: candidates.prefix(8).map(\.vector), each: candidateCount / 32)) }
        var finalists = Array(candidates.prefix(Self.finalists))
        for index in finalists.indices { judge(&finalists[index], by: gain, scale: scale, isRough: false) }
        finalists = sorted(finalists)
        return (finalists + candidates.dropFirst(Self.finalists)).map(\.vector)
    }
}
