import Engine
import Imaging
import Training

/// How long a dynamic network's router and the path to each exit took on some pictures, from which the latency at any threshold is
/// read.
package struct DepthLatency: Sendable {
    struct Entry: Sendable {
        /// What the router foretells for the earlier exits, in dB.
        var gaps: [Double]
        /// Milliseconds, the median of the runs.
        var router: Double
        /// Milliseconds of the path to each exit, every run.
        var paths: [[Double]]
    }

    /// What a user of the threshold waits for, in milliseconds, over the pictures.
    package struct Summary: Sendable, Equatable {
        package var mean: Double
        /// The 95th percentile, by nearest rank.
        package var percentile95: Double
        /// The mean over the pictures of the runs' median absolute deviation.
        package var medianAbsoluteDeviation: Double
        /// The router's part of the time, 0...1; 0 at full depth, where no router runs.
        package var routerShare: Double
    }

    private(set) var entries: [Entry] = []

    /// Runs every path on every picture; each program's first run does not count.
    /// - Parameters:
    ///   - pictures: noisy pictures, each with its noise level on the 0...255 scale.
    ///   - seconds: after so long it is content with one run of each; before, `runs`.
    ///   - now: seconds of a steady clock.
    ///   - progress: called after each run.
    package init(
        _ denoiser: Denoiser, pictures: [(image: Image, sigma: Double)], runs: Int = 3, seconds: Double = 6,
        now: () -> Double = steadySeconds, progress: () throws -> Void = {}
    ) throws {
        precondition(!pictures.isEmpty, "at least one picture")
        let began = now()
        var warm: Set<ObjectIdentifier> = []
        func time(_ part: Denoiser.Part, _ picture: (image: Image, sigma: Double)) throws -> [Double] {
            let executable = try denoiser.loaded(part, picture.image, sigma: picture.sigma)
            if warm.insert(ObjectIdentifier(executable)).inserted { executable.run() }
            var milliseconds: [Double] = []
            while milliseconds.isEmpty || (milliseconds.count < runs && now() - began < seconds) {
                let start = now()
                executable.run()
                milliseconds.append((now() - start) * 1000)
                try progress()
            }
            return milliseconds
        }
        for picture in pictures {
            let router = LatencyMeasurement(milliseconds: try time(.router, picture)).median
            let paths = try (0..<denoiser.architecture.exitCount).map { try time(.path(exit: $0), picture) }
            entries.append(
                Entry(gaps: try denoiser.foretoldGaps(picture.image, sigma: picture.sigma), router: router, paths: paths))
        }
    }

    /// The latency when each picture leaves where the router says at this threshold; the router runs unless it is 0.
    package func summary(threshold: Double) -> Summary {
        var router = 0.0, deviation = 0.0
        let milliseconds = entries.map { entry in
            let path = LatencyMeasurement(milliseconds: entry.paths[DepthRouting.exit(entry.gaps, threshold: threshold)])
            let routing = threshold > 0 ? entry.router : 0
            router += routing
            deviation += path.medianAbsoluteDeviation
            return path.median + routing
        }
        let total = milliseconds.reduce(0, +), count = Double(milliseconds.count)
        let rank = Int((0.95 * count).rounded(.up)) - 1
        return Summary(
            mean: total / count, percentile95: milliseconds.sorted()[rank], medianAbsoluteDeviation: deviation / count,
            routerShare: total > 0 ? router / total : 0)
    }
}
