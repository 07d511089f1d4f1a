import Documents
import Foundation
import RandomStreams
import Search
import SearchSpaces
import Testing
import Trials

/// Spaces of five families and eight kinds of block, in the shape of SearchSpaces/mixed.yaml.
private struct Mixture: Sendable, CustomTestStringConvertible {
    let name: String
    /// Families that stand below others in nested choices are rare among independent samples.
    let skeleton: String
    /// The sum of the widths that a network may have, and what cannot be built at all.
    var limit = 10_000.0
    var refused: @Sendable (_ family: String, _ kinds: Set<String>) -> Bool = { _, _ in false }
    var testDescription: String { name }

    static let kinds = ["plain", "residual", "dense", "mobile", "ghost", "swin", "shuffle", "gated"]
    static let flat = """
        [{kind: chain, blocks: {repeat: {reference: block}, count: {int: [2, 12]}}},
         {kind: unetpp, nodes: {choice: [{reference: block}, {repeat: {reference: block}, count: 3}]}},
         {kind: unet, encoder: {reference: block}, decoder: {reference: block}},
         {kind: pyramid, blocks: {repeat: {reference: block}, count: {int: [1, 2]}}},
         {kind: dynamic, blocks: {repeat: {reference: block}, count: 3}}]
        """
    static let nested = """
        [{kind: chain, blocks: {repeat: {reference: block}, count: {int: [2, 12]}}},
         {choice: [{kind: unetpp, nodes: {choice: [{reference: block}, {repeat: {reference: block}, count: 3}]}},
           {choice: [{kind: unet, encoder: {reference: block}, decoder: {reference: block}},
             {choice: [{kind: pyramid, blocks: {repeat: {reference: block}, count: {int: [1, 2]}}},
               {kind: dynamic, blocks: {repeat: {reference: block}, count: 3}}]}]}]}]
        """
    static let families: Set = ["chain", "unetpp", "unet", "pyramid", "dynamic"]

    static let all: [Mixture] = [
        Mixture(name: "flat", skeleton: flat),
        Mixture(name: "nested", skeleton: nested),
        Mixture(name: "one block each", skeleton: families.sorted().map { "{kind: \($0), block: {reference: block}}" }.description
            .replacingOccurrences(of: "\"", with: "")),
        // Chains have 2 to 12 blocks of widths 1 to 8 (the mean sum is 31): one in fifteen is small enough.
        Mixture(name: "tight", skeleton: nested, limit: 10),
        Mixture(name: "refused pairs", skeleton: nested) { family, kinds in
            (family == "chain" && kinds.contains("swin")) || (family == "dynamic" && kinds.contains("gated"))
        },
    ]

    func space(kinds: [String] = kinds) throws -> SearchSpace {
        let blocks = kinds.map { "{block: \($0), width: {int: [1, 8]}}" }.joined(separator: ", ")
        return try SearchSpace(
            .parse(
                """
                halcyon: 1
                shared: {normalization: {choice: [batch, none]}}
                definitions: {block: {choice: [\(blocks)]}}
                template: {skeleton: {choice: \(skeleton)}, normalization: {reference: normalization}, rate: {float: [0, 1]}}
                """, file: "mixture.yaml"))
    }
}

private struct Network {
    var family = ""
    var kinds: Set<String> = []
    var width = 0.0

    init(_ candidate: Document) throws {
        let skeleton = try candidate.required("skeleton")
        family = try skeleton.required("kind").string()
        read(skeleton)
    }

    private mutating func read(_ document: Document) {
        switch document.value {
        case .array(let items): for item in items { read(item) }
        case .object(let fields):
            if case .string(let kind)? = document["block"]?.value { kinds.insert(kind) }
            for field in fields {
                if field.key == "width", let width = try? field.value.double() { self.width += width }
                read(field.value)
            }
        default: break
        }
    }
}

private struct MixtureInspector: CandidateInspector {
    let mixture: Mixture

    func inspect(_ candidate: Document) throws -> CandidateInspection {
        let network = try Network(candidate)
        if mixture.refused(network.family, network.kinds) { throw InputError("cannot be built") }
        return CandidateInspection(
            candidateHash: candidate.json, architectureHash: candidate.json, family: network.family, architecture: candidate,
            metrics: ["width": network.width])
    }
}

@Suite struct InitialDesignLaws {
    private func study(
        _ mixture: Mixture, seed: Int, trials: Int, more: String = "", kinds: [String] = Mixture.kinds, facts: [StudyFact] = []
    ) throws -> Study {
        let settings = try StudySettings(
            experiment: .parse(
                """
                objectives: [{metric: psnr_db, direction: maximize, reference: 20}, {metric: width, direction: minimize, reference: 99}]
                constraints: [{metric: width, at-most: \(mixture.limit)}]
                recipe: {steps: 10}
                strategy: {kind: nsga2, population: 10}
                budget: {trials: \(trials)}
                limits: {retries: 0}
                seed: \(seed)
                \(more)
                """, file: "e.yaml"))
        let space = try mixture.space(kinds: kinds)
        return try Study(
            settings: settings, space: space,
            strategy: makeStrategy(settings.strategy, space: space, objectives: settings.objectives),
            scheduler: makeScheduler(settings.fidelity, objectives: settings.objectives),
            inspector: MixtureInspector(mixture: mixture), folder: "/study", facts: facts)
    }

    /// Answers requests, the oldest first, when every worker has one; those of `failing` families fail for good.
    private func drive(_ study: inout Study, workers: Int = 3, failing: Set<String> = []) throws -> [StudyFact] {
        var queue = study.step(.opened(workers: workers))
        var facts: [StudyFact] = []
        var requests: [(slot: Int, request: TrialRequest)] = []
        while true {
            for action in queue {
                if case .record(let fact) = action { facts.append(fact) }
                if case .start(let slot, let request) = action { requests.append((slot, request)) }
            }
            guard !requests.isEmpty else { return facts }
            let (slot, request) = requests.removeFirst()
            let family = try Network(request.candidate).family
            let answer: WorkerEvent =
                failing.contains(family)
                ? .failed(trial: request.trial, attempt: request.attempt, reason: "diverged", fatal: true)
                : .result(
                    trial: request.trial, attempt: request.attempt, resource: request.resource,
                    points: [Point(metrics: ["psnr_db": 25 + Double(request.seed % 100) / 100])])
            queue = study.step(.message(slot: slot, answer))
        }
    }

    private func candidates(_ facts: [StudyFact]) -> [Document] {
        facts.compactMap { if case .started(let start) = $0 { start.candidate } else { nil } }
    }

    private func networks(_ facts: [StudyFact]) throws -> [Network] { try candidates(facts).map(Network.init) }

    @Test(arguments: Mixture.all) private func everyFamilyAndKindIsAmongTheFirst(_ mixture: Mixture) throws {
        for seed in 0..<200 {
            var study = try study(mixture, seed: seed, trials: 12)
            let found = try networks(drive(&study))
            #expect(found.count == 12)
            #expect(Set(found.prefix(10).map(\.family)) == Mixture.families, "seed \(seed)")
            #expect(found.reduce(into: Set<String>()) { $0.formUnion($1.kinds) } == Set(Mixture.kinds), "seed \(seed)")
        }
    }

    /// A kind that cannot be built, and a family that cannot: the others are there all the same.
    @Test func impossibleAlternativesLeaveRoom() throws {
        let mixture = Mixture(name: "impossible", skeleton: Mixture.flat) { family, kinds in
            family == "unet" || kinds.contains("swin") || kinds.contains("gated")
        }
        for seed in 0..<200 {
            var study = try study(mixture, seed: seed, trials: 13)
            let found = try networks(drive(&study))
            #expect(found.count == 13)
            #expect(Set(found.prefix(10).map(\.family)) == Mixture.families.subtracting(["unet"]), "seed \(seed)")
            let kinds = found.reduce(into: Set<String>()) { $0.formUnion($1.kinds) }
            #expect(kinds == Set(Mixture.kinds).subtracting(["swin", "gated"]), "seed \(seed)")
        }
    }

    /// What fails is tried once more, and does not take the place of the others.
    @Test func failuresAreTriedAgainAndNoMore() throws {
        let mixture = Mixture(name: "flat", skeleton: Mixture.flat)
        for seed in 0..<50 {
            var study = try study(mixture, seed: seed, trials: 10)
            let found = try networks(drive(&study, failing: ["pyramid"])).map(\.family)
            #expect(Set(found) == Mixture.families)
            #expect((2...4).contains(found.count { $0 == "pyramid" }), "seed \(seed): \(found)")
        }
    }

    @Test func theSameSeedMakesTheSameSearchAlsoWhenResumed() throws {
        let mixture = Mixture.all[3]
        for more in ["", "lag: 3", "fidelity: {kind: asha, rungs: [5, 10], reduction: 2}"] {
            var whole = try study(mixture, seed: 3, trials: 16, more: more)
            let facts = try drive(&whole)
            var again = try study(mixture, seed: 3, trials: 16, more: more)
            #expect(try drive(&again) == facts)
            // After each start: what was recorded is not proposed again, and what follows is the same.
            let starts = facts.indices.filter { if case .started = facts[$0] { true } else { false } }
            for place in starts where more == "lag: 3" {
                var resumed = try study(mixture, seed: 3, trials: 16, more: more, facts: Array(facts[...place]))
                #expect(candidates(facts[...place] + (try drive(&resumed))) == candidates(facts))
            }
        }
    }

    /// Once it is complete the strategy breeds: of 10 trials that cover everything none more is drawn by the design.
    @Test func theDesignEnds() throws {
        let space = try Mixture.all[0].space()
        var design = InitialDesign(space: space, size: 10)
        let root = RandomStream(seed: 6)
        func start(_ trial: Int, _ design: inout InitialDesign) {
            var stream = root.split(trial)
            design.observe(.started(trial: trial, genotype: design.propose(redraw: 0, using: &stream), resource: 1))
        }
        for trial in 0..<10 {
            #expect(!design.isComplete)
            start(trial, &design)
        }
        #expect(design.isComplete)
        // Everything fails: as many more as there are alternatives without a trial, twice the size at most.
        for trial in 0..<10 { design.observe(.failed(trial: trial)) }
        #expect(!design.isComplete)
        for trial in 10..<20 {
            start(trial, &design)
            if design.isComplete { break }
        }
        #expect(design.isComplete)
        let strategy = try makeStrategy(
            ["kind": "nsga2", "population": 10], space: space,
            objectives: [Objective(metric: "width", direction: .minimize, reference: 99)])
        var (bred, free) = (strategy, strategy)
        for trial in 0..<10 {
            var stream = root.split(trial)
            let genotype = bred.propose(redraw: 0, using: &stream)
            for observation: Observation in [
                .started(trial: trial, genotype: genotype, resource: 1),
                .result(trial: trial, resource: 1, points: [Point(metrics: ["width": Double(trial)])]),
            ] {
                bred.observe(observation)
                free.observe(observation)
            }
        }
        // A child does not depend on the redraw but by its stream, as a sample of the design does.
        for trial in 10..<40 {
            var (a, b) = (root.split(trial), root.split(trial))
            #expect(bred.propose(redraw: 0, using: &a) == free.propose(redraw: 99, using: &b))
        }
    }

    /// The shipped spaces: every alternative of the choices that each of their networks makes, within ten proposals.
    @Test(arguments: ["chain", "unetpp", "mixed"]) func shippedSpacesAreCovered(_ name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let space = try SearchSpace.load(root.appending(path: "SearchSpaces/\(name).yaml").path)
        for seed in 0..<200 as Range<UInt64> {
            var design = InitialDesign(space: space, size: 10)
            var found: Set<Alternative> = []
            for trial in 0..<10 {
                var stream = RandomStream(seed: seed).split(trial)
                let genotype = design.propose(redraw: 0, using: &stream)
                design.observe(.started(trial: trial, genotype: genotype, resource: 1))
                found.formUnion(space.alternatives(of: genotype))
            }
            #expect(!space.commonAlternatives.isEmpty && found.isSuperset(of: space.commonAlternatives), "seed \(seed)")
        }
    }
}
