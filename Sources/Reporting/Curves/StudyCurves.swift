import Trials

extension LinePlot {
    /// A metric over training steps (or another resource), one series a trial, point 0.
    /// - Parameter families: what stands beside a trial's number in its name.
    package static func learningCurves(
        _ measurements: [WorkerEvent.Measurement], families: [Int: String] = [:], metric: String = "psnr_db", title: String = "Learning curves",
        resource: String = "training steps"
    ) -> LinePlot {
        let rows = measurements.filter { $0.metric == metric && $0.point == 0 }
        let shown = Metric.named(metric)
        let trials = Dictionary(grouping: rows, by: \.trial).sorted { $0.key < $1.key }
        return LinePlot(
            title: title, subtitle: "\(trials.count) trial\(trials.count == 1 ? "" : "s")", horizontalTitle: resource,
            verticalTitle: shown.axisTitle,
            series: trials.map { trial, rows in
                Series(
                    name: "#\(trial)" + (families[trial].map { " \($0)" } ?? ""),
                    points: rows.sorted { $0.resource < $1.resource }.map {
                        Place(Double($0.resource), $0.value * shown.scale)
                    })
            })
    }

    /// The front's hypervolume after each finished trial, in the order in which they finished.
    package static func hypervolume(_ entries: [HypervolumeEntry], title: String = "Hypervolume") -> LinePlot {
        let ordered = entries.sorted { ($0.at, $0.trial) < ($1.at, $1.trial) }
        var plot = LinePlot(
            title: title, subtitle: ordered.last.map { "\(significant($0.value)) after \(ordered.count) trials" } ?? "",
            horizontalTitle: "finished trials", verticalTitle: "hypervolume",
            series: [
                Series(
                    name: "hypervolume",
                    points: ordered.enumerated().map { Place(Double($0.offset + 1), $0.element.value) })
            ])
        plot.isStepwise = true
        (plot.width, plot.height) = (560, 340)
        return plot
    }
}
