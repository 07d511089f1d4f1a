import Networks
import Training

extension NetworkCost {
    /// The cost of one picture of the experiment's latency size.
    package init(of architecture: Architecture, _ latency: TrainingExperiment.Latency) throws {
        try self.init(of: architecture, height: latency.height, width: latency.width)
    }

    /// `parameters`, `macs` and `peak_bytes`.
    package var metrics: [String: Double] {
        ["parameters": Double(parameters), "macs": Double(macs), "peak_bytes": Double(peakBytes)]
    }
}
