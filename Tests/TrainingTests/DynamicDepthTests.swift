import Documents
import Engine
import Evaluation
import Foundation
import Imaging
import Networks
import Testing
import Training
import Trials

@Suite struct DynamicDepthTests {
    /// Three stages, the blocks of which are `conv1`, `block2` and `conv3`.
    static let candidate: Document = [
        "network": [
            "skeleton": [
                "kind": "dynamic", "width": 4, "router": ["channels": 3, "hidden": 4],
                "stages": [["blocks": [["block": "plain"]]], ["blocks": [["block": "residual"]]], ["blocks": [["block": "plain"]]]],
            ]
        ]
    ]

    private func denoiser(seed: UInt64 = 4) throws -> Denoiser { try Denoiser(Architecture(Self.candidate), seed: seed) }

    /// What lies behind an exit cannot reach its image: it may hold anything.
    @Test func skippedBlocksAreNotRun() throws {
        let noisy = Samples.colours.channel(0)
        for exit in 0..<3 {
            let network = try denoiser()
            let expected = try network.denoise(noisy, exit: exit)
            for specification in network.parameters.specifications {
                let deeper = (exit + 2...4).contains { number in
                    ["block", "conv", "norm"].contains { specification.name.hasPrefix("\($0)\(number).") }
                }
                let others = (1...3).contains { $0 != exit + 1 && specification.name.hasPrefix("exit\($0).") }
                guard deeper || others || specification.name.hasPrefix("router.") else { continue }
                network.parameters.set(specification.name, network.parameters.values(of: specification.name).map { _ in .nan })
            }
            #expect(try network.denoise(noisy, exit: exit) == expected, "exit \(exit)")
            let cost = try network.architecture.inferenceGraph(exit: exit).cost(inputs: ["image": [1, 16, 16, 1]])
            #expect(try network.executable(.path(exit: exit), height: 16, width: 16).program.macs == cost.macs)
        }
        let costs = try Architecture(Self.candidate).exitCosts()
        #expect(costs.count == 3 && costs[0] < costs[1] && costs[1] < costs[2] && costs[2] == 1)
    }

    @Test func theThresholdDecidesTheDepth() throws {
        let network = try denoiser()
        let noisy = Samples.colours.channel(0)
        network.parameters.set("router.output.bias", [0.5, 0.2])
        network.parameters.set("router.output.weight", network.parameters.values(of: "router.output.weight").map { _ in 0 })
        #expect(try network.foretoldGaps(noisy, sigma: nil) == [0.5, Double(Float(0.2))])
        for (threshold, exit) in [(0, 2), (0.1, 2), (0.3, 1), (0.6, 0)] as [(Double, Int)] {
            network.threshold = threshold
            #expect(try network.denoise(noisy) == network.denoise(noisy, exit: exit), "threshold \(threshold)")
        }
        network.threshold = nil
        network.parameters.set(DynamicSkeleton.thresholdName, [0.4])
        #expect(try network.denoise(noisy) == network.denoise(noisy, exit: 1))
        // A large picture is decided once, from all its parts, and its tiles are the whole.
        let whole = try network.denoise(noisy)
        network.wholePixels = 60
        let tiled = try network.denoise(noisy)
        #expect(zip(tiled.pixels, whole.pixels).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// At threshold 0 nothing leaves early, whatever is foretold.
    @Test func aForetoldGainIsNoReasonToLeaveAtZero() {
        #expect(DepthRouting.exit([-1.0, 0.0], threshold: 0.0) == 2)
        #expect(DepthRouting.exit([-1.0, 0.0], threshold: 1e-6) == 0)
        #expect(DepthRouting.exit([0.3, 0.1], threshold: 0.2) == 1)
        #expect(DepthRouting.exit([Double.nan, 0.1], threshold: 0.2) == 1)
    }

    @Test func theThresholdGoesToTheBudget() {
        // A hundred images with gaps from 0 to 1 dB at exit 1, half of that at exit 2.
        let gaps = Tensor<Double>([100, 1, 1, 2], (0..<100).flatMap { [Double($0) / 99, Double($0) / 198] })
        for (budget, start) in [(0.5, 0.001), (0.5, 5), (0.9, 0.1), (0.3, 0.1)] {
            let routing = DepthRouting(costs: [0.2, 0.5, 1], budget: budget)
            var threshold = Tensor<Double>([1], [start])
            var costs: [Double] = []
            for _ in 0..<2000 {
                let results = routing.reference([gaps, threshold])
                threshold = results[1]
                let cost = (0..<100).reduce(0.0) { sum, image in
                    let exit = DepthRouting.exit(gaps.elements[image * 2..<image * 2 + 2], threshold: threshold.elements[0])
                    return sum + routing.costs[exit] / 100
                }
                costs.append(cost)
                let total = results[0].elements.reduce(0, +)
                #expect(abs(total - 100) < 1e-9, "each image's weights sum to 1")
            }
            #expect(abs(costs.suffix(200).reduce(0, +) / 200 - budget) < 0.02, "budget \(budget) from \(start)")
        }
    }

    @Test func operatingPointsSpendLessAndLess() {
        let entries = (0..<20).map { (index: Int) -> DepthEvaluation.Entry in
            let gaps: [Double] = [Double(index) / 10, Double(index) / 40]
            let metrics: [[String: Double]] = [["psnr_db": 30 - gaps[0]], ["psnr_db": 30 - gaps[1]], ["psnr_db": 30]]
            return DepthEvaluation.Entry(name: "\(index)", condition: "25", sigma: 25, gaps: gaps, metrics: metrics, noisyPSNR: 20)
        }
        let depths = DepthEvaluation(entries: entries, costs: [0.2, 0.6, 1])
        let thresholds = depths.operatingThresholds
        #expect(thresholds.count == 3 && thresholds[0] == 0 && thresholds == thresholds.sorted())
        let costs = thresholds.map(depths.meanCost)
        #expect(costs[0] == 1 && abs(costs[1] - 0.6) < 0.03 && abs(costs[2] - 0.2) < 1e-9)
        #expect(depths.exits(threshold: 0) == [0, 0, 20])
        let quality = thresholds.compactMap { depths.evaluation(threshold: $0).means["psnr_db"] }
        #expect(quality == quality.sorted(by: >) && quality[0] == 30)
        // Pictures that are all alike still give three points.
        let alike = DepthEvaluation(entries: Array(repeating: entries[3], count: 4), costs: [0.5, 1])
        #expect(Set(alike.operatingThresholds).count == 3)
    }

    /// The threshold is a buffer: checkpoints and models carry it, and an interruption changes no bit.
    @Test func trainingIsTheSameThroughACheckpoint() throws {
        try Samples.withFolder { folder in
            let architecture = try Architecture(Self.candidate)
            let whole = try Samples.trainer(architecture)
            try whole.run(to: 6)
            let first = try Samples.trainer(architecture)
            try first.run(to: 3)
            try first.checkpoint().write(to: folder + "/c.h5")
            let second = try Samples.trainer(architecture)
            try second.restore(Checkpoint.read(folder + "/c.h5"), path: "c.h5")
            try second.run(to: 6)
            for specification in whole.parameters.specifications {
                #expect(second.parameters.values(of: specification.name) == whole.parameters.values(of: specification.name))
            }
            #expect(whole.parameters.values(of: DynamicSkeleton.thresholdName) != [Float(DynamicSkeleton.firstThreshold)])
        }
    }

    @Test func aTrialHasOperatingPoints() throws {
        try Samples.withFolder { folder in
            try EvaluationTests.experiment.write(toFile: folder + "/e.yaml", atomically: true, encoding: .utf8)
            let request = TrialRequest(
                trial: 1, seed: 2, candidate: Self.candidate, resource: 8, folder: folder, experiment: folder + "/e.yaml")
            var points: [Point] = []
            var measured: Set<Int> = []
            try DenoisingEvaluator(environment: [:], lockFolder: folder).evaluate(
                request,
                report: { event in
                    if case .result(_, _, _, let found) = event { points = found }
                    if case .measurement(let it) = event, it.metric == "latency_p95_ms" { measured.insert(it.point) }
                }, shouldStop: { false })
            #expect(points.count == 3 && points.map(\.point) == [0, 1, 2] && measured == [0, 1, 2])
            #expect(points[0].threshold == 0)
            for point in points {
                let metrics = point.metrics
                #expect(metrics["psnr_db"] != nil && metrics["macs"] != nil && metrics["parameters"] != nil)
                let mean = try #require(metrics["latency_ms"]), percentile = try #require(metrics["latency_p95_ms"])
                #expect(mean > 0 && percentile > 0)
            }
            #expect(try #require(points[2].metrics["macs"]) <= #require(points[0].metrics["macs"]))
        }
    }
}
