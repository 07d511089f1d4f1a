import Foundation
import Reporting
import Search
import Trials

/// Studies to draw, made from a few lines of arithmetic.
enum Samples {
    static let objectives = [
        Objective(metric: "psnr_db", direction: .maximize, reference: 24),
        Objective(metric: "latency_ms", direction: .minimize, reference: 1000),
    ]

    /// Trials whose quality grows with the logarithm of their latency, with scatter; every family and state among them.
    static func study(trials count: Int, objectives: [Objective] = objectives) -> StudyPicture {
        let families = ["chain", "unetpp", "chain", "dynamic", "unetpp", "swin"]
        let states: [TrialState] = [.complete, .complete, .pruned, .complete, .waiting, .complete, .complete]
        let trials = (0..<count).map { number in
            let latency = 1.6 * exp(5.2 * fraction(number, 0.618034))
            let family = families[number % families.count]
            let points = (0..<(family == "dynamic" ? 3 : 1)).map { index in
                let time = latency / pow(1.8, Double(index))
                let quality = 27.6 + 0.5 * log(time) - 1.6 * fraction(number * 7, 0.754878) - 0.05 * Double(index)
                return Point(
                    point: index, threshold: family == "dynamic" ? 0.5 * Double(index) : nil,
                    metrics: [
                        "psnr_db": number % 23 == 11 ? 12.5 : quality, "ssim": 0.7 + quality / 200, "latency_ms": time,
                        "latency_mad_ms": time / 100, "parameters": (time * 700).rounded(), "macs": (time * 4e7).rounded(),
                    ])
            }
            return StudyPicture.Trial(number: number, family: family, state: states[number % states.count], points: points)
        }
        return picture("Mixed spaces on Train400, σ = 25", trials, objectives)
    }

    /// A picture whose front follows from its COMPLETE trials.
    static func picture(_ title: String, _ trials: [StudyPicture.Trial], _ objectives: [Objective]) -> StudyPicture {
        var front = ParetoFront()
        let complete = trials.filter { $0.state == .complete }
        for trial in complete {
            for point in trial.points {
                guard let values = losses(of: point, objectives: objectives) else { continue }
                front.insert(trial: trial.number, point: point.point, losses: values)
            }
        }
        let entries = front.members().compactMap { member -> FrontEntry? in
            guard let trial = complete.first(where: { $0.number == member.trial }),
                let point = trial.points.first(where: { $0.point == member.point })
            else { return nil }
            return FrontEntry(trial: trial.number, family: trial.family, point: point)
        }
        return StudyPicture(
            title: title, objectives: objectives, trials: trials, front: entries,
            hypervolume: front.hypervolume(reference: objectives.map { $0.loss($0.reference) }))
    }

    static func network(_ number: Int, _ metrics: [String: Double], _ state: TrialState = .complete) -> StudyPicture.Trial {
        StudyPicture.Trial(number: number, family: "chain", state: state, points: [Point(metrics: metrics)])
    }

    static let references = [
        StudyPicture.Reference(name: "dncnn17x64", metrics: ["psnr_db": 30.1, "latency_ms": 420, "macs": 3.6e10]),
        StudyPicture.Reference(name: "unetpp3x16", metrics: ["psnr_db": 29.3, "latency_ms": 60, "macs": 3e9]),
        StudyPicture.Reference(name: "dncnn8x32", metrics: ["psnr_db": 29.0, "latency_ms": 45, "macs": 2.9e9]),
    ]

    private static func fraction(_ number: Int, _ step: Double) -> Double {
        (Double(number + 1) * step).truncatingRemainder(dividingBy: 1)
    }
}
