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
}
