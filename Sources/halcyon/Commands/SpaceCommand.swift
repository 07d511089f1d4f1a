import ArgumentParser
import Documents
import Evaluation
import Foundation
import Networks
import SearchSpaces
import Training
import Trials

struct SpaceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "space", abstract: "Checks, describes and samples a search space.",
        subcommands: [Check.self, Describe.self, Sample.self, Schema.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads a space and builds networks sampled from it, under each of its presets too.",
            discussion: "EXAMPLE\n  halcyon space check SearchSpaces/mixed.yaml --count 200")

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: "How many samples to build.") var count = 100
        @Option(help: "Seed of the samples.") var seed: UInt64 = 1

        func validate() throws { try checkSampleCount(count) }

        func run() throws {
            let whole = try SearchSpace.load(space)
            try check(whole)
            for preset in whole.presets where preset != whole.preset { try check(SearchSpace.load(space, preset: preset)) }
        }

        private func check(_ space: SearchSpace) throws {
            var hashes: Set<String> = []
            var families: [String: Int] = [:]
            for index in 0..<count {
                let architecture = try Architecture(space.resolve(space.sample(number: index, seed: seed)))
                try architecture.checkTraining()
                _ = try NetworkCost(of: architecture, height: 64, width: 64)
                hashes.insert(architecture.candidateHash)
                families[architecture.family, default: 0] += 1
            }
            let spread = families.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            let preset = space.preset.map { ", preset \($0)" } ?? ""
            print("\(space.name)\(preset): \(space.count.text), \(space.decisions.count) decisions")
            print("\(count) samples: all can be built, \(hashes.count) different candidates (\(spread))")
        }
    }

    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how many architectures a space has, its decisions as a tree, and what samples of it cost.",
            discussion: """
                Costs are those of inference, as `halcyon cost` tells them; nothing is trained. With --experiment they are for its latency
                size, and the shares of samples that meet its constraints are told.

                EXAMPLES
                  halcyon space describe SearchSpaces/mixed.yaml
                  halcyon space describe SearchSpaces/chain.yaml --experiment Experiments/quickstart/experiment.yaml --count 1000
                """)

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: ArgumentHelp("A preset of the space to put in force.", valueName: "NAME")) var preset: String?
        @Option(help: "How many samples tell the costs; 0 for none.") var count = 200
        @Option(help: "Seed of the samples.") var seed: UInt64 = 1
        @Option(help: ArgumentHelp("Height and width of the image (default 256x256, or the experiment's).", valueName: "HxW")) var size: ImageSize?
        @Option(help: ArgumentHelp("An experiment whose constraints are judged.", valueName: "FILE")) var experiment: String?
        @Flag(help: "One JSON object.") var json = false

        func validate() throws {
            guard (0...1_000_000).contains(count) else { throw ValidationError("--count: expected 0 to 1000000, found \(count)") }
            if experiment != nil, size != nil { throw ValidationError("--size: the experiment states the size; leave one of them out") }
        }

        func run() throws {
            let space = try SearchSpace.load(space, preset: preset)
            let survey = try survey(space)
            if json {
                var document = space.descriptionDocument
                document["samples"] = survey?.document ?? .null
                print(document.json)
                return
            }
            if let summary = space.summary { print(summary) }
            print(space.decisionTree.text)
            if let survey { print(survey.text, terminator: "") }
        }

        /// nil where samples are no networks, as in a space for a table.
        private func survey(_ space: SearchSpace) throws -> SpaceSurvey? {
            guard count > 0 else { return nil }
            if let experiment {
                let resolved = try ResolvedExperiment(path: experiment)
                let settings = try resolved.settings()
                let table = try resolved.table()
                let inspector = try resolved.inspector(table)
                let size = try table == nil && resolved.trainsNetworks() ? "\(resolved.training().latency.height)x\(resolved.training().latency.width)" : "-"
                return try SpaceSurvey(space, count: count, seed: seed, size: size, constraints: settings.constraints) {
                    try inspector.inspect($0)
                }
            }
            guard space.resolve(space.sample(number: 0, seed: seed))["network"] != nil else { return nil }
            let size = size ?? ImageSize(height: 256, width: 256)
            return try SpaceSurvey(space, count: count, seed: seed, size: "\(size)", constraints: []) { candidate in
                let architecture = try Architecture(candidate)
                try architecture.checkTraining()
                let cost = try NetworkCost(of: architecture, height: size.height, width: size.width)
                return CandidateInspection(
                    candidateHash: architecture.candidateHash, architectureHash: architecture.architectureHash,
                    family: architecture.family, architecture: candidate, metrics: cost.metrics)
            }
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints architectures drawn from a space.",
            discussion: "EXAMPLE\n  halcyon space sample SearchSpaces/chain.yaml --seed 3 > net.yaml && halcyon cost net.yaml")

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: ArgumentHelp("A preset of the space to put in force.", valueName: "NAME")) var preset: String?
        @Option(help: "How many.") var count = 1
        @Option(help: "Seed.") var seed: UInt64 = 1
        @Flag(help: "One JSON object a line.") var json = false

        func validate() throws { try checkSampleCount(count) }

        func run() throws {
            let space = try SearchSpace.load(space, preset: preset)
            for index in 0..<count {
                let candidate = space.resolve(space.sample(number: index, seed: seed))
                if json { print(candidate.json) } else { print(count > 1 ? "---\n\(candidate.yaml)" : candidate.yaml, terminator: "") }
            }
        }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the JSON schema of space files, for editors.",
            discussion: "EXAMPLE\n  halcyon space schema > space.schema.json")

        @Argument(help: ArgumentHelp("Ignored: the schema is the same for all spaces.", valueName: "SPACE.yaml")) var space: String?

        func run() throws { print(SpaceSchema.document.json) }
    }
}

private func checkSampleCount(_ count: Int) throws {
    guard (1...1_000_000).contains(count) else { throw ValidationError("--count: expected 1 to 1000000, found \(count)") }
}
