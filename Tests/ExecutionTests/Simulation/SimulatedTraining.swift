import RandomStreams
import Trials

/// What a simulated training would come to: a function of the candidate, its seed and the steps.
struct SimulatedTraining {
    private let history: SimulatedHistory
    private let request: TrialRequest
    private let width: Double
    /// The step at which it diverges, if it does.
    let divergence: Int?

    init(_ history: SimulatedHistory, _ request: TrialRequest) {
        self.history = history
        self.request = request
        width = (try? request.candidate.required("width").int()).map(Double.init) ?? 1
        divergence = history.divergence.flatMap { request.seed % $0 == 0 ? 1 + request.seed / 7 % history.interval : nil }
    }

    private func quality(_ step: Int) -> Double {
        let exact = 22 + 0.1 * width * Double(step) / Double(step + 20) + Double(request.seed % 97) * 1e-2
        return history.coarse ? (exact * 2).rounded() / 2 : exact
    }

    /// Some networks have a second operating point. Latencies are measured when they were not before, each time otherwise.
    func points(_ draw: inout RandomStream) -> [Point] {
        var first = Point(metrics: ["psnr_db": quality(request.resource)])
        var second = Point(point: 1, threshold: 0.5, metrics: ["psnr_db": quality(request.resource) - 1, "macs": 400 * width])
        if request.measuresLatency {
            first.metrics["latency_ms"] = width + draw.uniform()
            first.metrics["latency_mad_ms"] = draw.uniform(0, 0.2)
            second.metrics["latency_ms"] = width / 2 + draw.uniform()
        }
        return request.seed % 3 == 0 ? [first, second] : [first]
    }
}
