extension CrashCampaign {
    /// What a study is like.
    struct Kind {
        var name: String
        var fidelity: String
        var lag: Int?
        var objective: String

        static let all = [
            Kind(name: "asha, lag", fidelity: "{kind: asha, resource: steps, rungs: [8, 24], reduction: 2}", lag: 3, objective: "macs"),
            Kind(name: "full", fidelity: "{kind: full}", lag: nil, objective: "latency_ms"),
            Kind(name: "full, lag", fidelity: "{kind: full}", lag: 2, objective: "macs"),
            Kind(name: "asha", fidelity: "{kind: asha, resource: steps, rungs: [8, 24], reduction: 2}", lag: nil, objective: "latency_ms"),
        ]

        var experiment: String {
            """
            halcyon: 1
            name: \(name.replacingOccurrences(of: ", ", with: "-"))
            space:
              halcyon: 1
              template:
                halcyon: 1
                network:
                  skeleton:
                    kind: chain
                    width: {int: [2, 6], step: 2}
                    blocks: {repeat: {block: plain, kernel: {choice: [3, 5]}}, count: {int: [1, 3]}}
            data:
              train: {kind: dead-leaves, images: 4, size: 32, crop: 16}
              validation: {kind: dead-leaves, images: 1, size: 32, sigmas: [25]}
            noise: {kind: gaussian, sigma: 25}
            recipe: {loss: l1, learning-rate: 3e-3, batch: 1, steps: 24}
            latency: {size: 16x16}
            objectives: [{metric: psnr_db, direction: maximize, reference: 15}, {metric: \(objective), direction: minimize, reference: 1e9}]
            strategy: {kind: nsga2, population: 3}
            fidelity: \(fidelity)
            budget: {trials: 5}
            seed: 11
            keep: all
            \(lag.map { "lag: \($0)" } ?? "")
            """
        }
    }
}
