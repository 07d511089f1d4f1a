import ArgumentParser
import Documents
import Foundation
import Networks
import RandomStreams
import SearchSpaces
import Training

struct SpaceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "space", abstract: "Checks, describes and samples a search space.",
        subcommands: [Check.self, Describe.self, Sample.self, Schema.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads a space and builds networks sampled from it.",
            discussion: "EXAMPLE\n  halcyon space check SearchSpaces/mixed.yaml --count 200")

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: "How many samples to build.") var count = 100
        @Option(help: "Seed of the samples.") var seed: UInt64 = 1

        func validate() throws { try checkSampleCount(count) }

        func run() throws {
            let space = try SearchSpace.load(space)
            var hashes: Set<String> = []
            var families: [String: Int] = [:]
            for index in 0..<count {
                var stream = RandomStream(seed: seed).split("sample").split(index)
                let architecture = try Architecture(space.resolve(space.sample(using: &stream)))
                try architecture.checkTraining()
                _ = try NetworkCost(of: architecture, height: 64, width: 64)
                hashes.insert(architecture.candidateHash)
                families[architecture.family, default: 0] += 1
            }
            let spread = families.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            print("\(space.name): \(sizeText(space.size)), \(space.decisions.count) decisions")
            print("\(count) samples: all can be built, \(hashes.count) different candidates (\(spread))")
        }
    }

    struct Describe: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the decisions of a space as a tree, and how many genotypes it has.")

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Flag(help: "One JSON object.") var json = false

        func run() throws {
            let space = try SearchSpace.load(space)
            if json {
                print(space.descriptionDocument.json)
            } else {
                if let summary = space.summary { print(summary) }
                print(space.decisionTree.text)
            }
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints architectures drawn from a space.",
            discussion: "EXAMPLE\n  halcyon space sample SearchSpaces/chain.yaml --seed 3 > net.yaml && halcyon cost net.yaml")

        @Argument(help: ArgumentHelp("A space.", valueName: "SPACE.yaml")) var space: String
        @Option(help: "How many.") var count = 1
        @Option(help: "Seed.") var seed: UInt64 = 1
        @Flag(help: "One JSON object a line.") var json = false

        func validate() throws { try checkSampleCount(count) }

        func run() throws {
            let space = try SearchSpace.load(space)
            for index in 0..<count {
                var stream = RandomStream(seed: seed).split("sample").split(index)
                let candidate = space.resolve(space.sample(using: &stream))
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

private func sizeText(_ size: Double) -> String {
    size.isInfinite ? "infinitely many genotypes" : size < 1e6 ? "\(grouped(Int(size))) genotypes" : String(format: "%.3g genotypes", size)
}
