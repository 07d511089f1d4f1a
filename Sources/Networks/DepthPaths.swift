import Documents
import Engine

/// A network's operating depths: which exits it has, the graph of each, and what its training minimizes.
extension Architecture {
    /// 1, or how many depths a dynamic network or one with deep supervision has.
    package var exitCount: Int { network.skeleton.exitCount }
    /// Whether a router decides the depth.
    package var isDynamic: Bool { network.skeleton.hasRouter }

    /// The inference graph of one exit, counted from 0; the last is full depth. It holds nothing of deeper blocks, other exits
    /// or the router, but declares all parameters, so that one store serves every path.
    package func inferenceGraph(exit: Int) throws -> Graph {
        precondition((0..<exitCount).contains(exit))
        return try inferenceGraph(output: exitOutput(exit), as: "image")
    }

    /// The images of all exits in a graph of this network that has all its outputs; the last is full depth.
    package func exitValues(of graph: Graph) -> [ValueID] {
        (0..<exitCount).map { exit in
            guard let value = graph.output(exitOutput(exit)) else { preconditionFailure("no output \(exitOutput(exit))") }
            return value
        }
    }

    private func exitOutput(_ exit: Int) -> String { exit == exitCount - 1 ? "image" : Network.exitName(exit) }

    /// The inference graph from the image to the output `router`: the gaps in dB that are foretold for the earlier exits.
    package func routerGraph() throws -> Graph {
        precondition(isDynamic)
        return try inferenceGraph(output: "router", as: "router")
    }

    private func inferenceGraph(output: String, as name: String) throws -> Graph {
        var graph = try buildGraph(self).forInference()
        guard let value = graph.output(output) else { preconditionFailure("no output \(output)") }
        graph.outputs = [(name, value)]
        return graph
    }

    /// What each exit's path costs as a part of full depth's multiply-accumulates, without the router.
    package func exitCosts() throws -> [Double] {
        let multiple = network.sizeMultiple
        let side = (64 + multiple - 1) / multiple * multiple
        let shapes = inputShapes(height: side, width: side, batch: 1)
        let macs = try (0..<exitCount).map { try inferenceGraph(exit: $0).cost(inputs: shapes).macs }
        return macs.map { Double($0) / Double(max(1, macs[exitCount - 1])) }
    }

    /// What training minimizes: the loss of the image, with deep supervision the mean over the exits; for a dynamic network the loss of
    /// every exit, weighted by `DepthRouting`, and the squared error of the router's foretold gaps, in dB², so that it foretells their mean.
    /// - Parameter budget: the mean cost that a dynamic network's decisions aim at, as a part of full depth.
    /// - Throws: `InputError` when the network cannot be built.
    package func objective(_ kind: PixelLoss.Kind, budget: Double) throws -> TrainingObjective {
        guard exitCount > 1 else { return TrainingObjective(PixelLoss(kind)) }
        guard isDynamic else {
            return TrainingObjective { graph, target in
                let exits = exitValues(of: graph), loss = PixelLoss(kind, weight: 1 / Double(exits.count))
                let losses = exits.enumerated().map { graph.apply(loss, $1, target, path: "loss.exit\($0 + 1)") }
                let reported = losses.dropFirst().reduce(losses[0]) { graph.apply(Add(), $0, $1, path: "loss.sum") }
                return TrainingObjective.Losses(minimized: losses, reported: reported)
            }
        }
        let costs = try exitCosts()
        return TrainingObjective { graph, target in
            guard let image = graph.output("image"), let foretold = graph.output("router"),
                let threshold = graph.parameter(named: DynamicSkeleton.thresholdName)
            else { preconditionFailure("a dynamic network has a router") }
            let early = exitValues(of: graph).dropLast()
            let gaps = early.enumerated().map { index, exit in
                graph.apply(QualityGap(), exit, image, target, path: "loss.gap\(index + 1)")
            }
            let gap =
                gaps.count == 1
                ? gaps[0] : graph.apply(Concatenation(channels: gaps.map { _ in 1 }), gaps, path: "loss.gaps")[0]
            let routerLoss = graph.apply(PixelLoss(.l2), foretold, gap, path: "loss.router")
            let routing = graph.apply(
                DepthRouting(costs: costs, budget: budget), [foretold, threshold.value], path: "loss.routing")
            graph.updates.append((parameter: threshold.number, value: routing[1]))
            let losses = (early + [image]).enumerated().map { index, exit in
                graph.apply(ImageLoss(kind, column: index), [exit, target, routing[0]], path: "loss.exit\(index + 1)")[0]
            }
            let reported = losses.dropFirst().reduce(losses[0]) { graph.apply(Add(), $0, $1, path: "loss.sum") }
            graph.outputs.append(("router-loss", routerLoss))
            return TrainingObjective.Losses(minimized: losses + [routerLoss], reported: reported)
        }
    }
}
