import Reporting
import Testing
import Trials

@Suite struct LinePlotTests {
    @Test func learningCurvesAreOneLineATrialInOrderOfSteps() throws {
        let rows = [(0, 500, 27.0), (0, 125, 25), (1, 125, 24), (1, 500, .nan), (1, 2000, 28)].map { trial, resource, value in
            WorkerEvent.Measurement(trial: trial, attempt: 1, metric: "psnr_db", resource: resource, value: value)
        }
        let other = WorkerEvent.Measurement(trial: 5, attempt: 1, metric: "latency_ms", resource: 0, value: 3)
        let plot = LinePlot.learningCurves(rows + [other])
        #expect(plot.series.map(\.name) == ["#0", "#1"])
        #expect(plot.series[0].points == [.init(125, 25), .init(500, 27)])
        let picture = try ParsedPicture(plot.svg)
        #expect(picture.count("series") == 2)
        #expect(picture.count("place") == 4)
        #expect(picture.elements("axis-title").map(\.text) == ["training steps", "PSNR (dB)"])
        // The value that is no number breaks its line in two.
        let paths = picture.elements("series").map { $0.attributes["d"] ?? "" }
        #expect(paths.map { $0.count { $0 == "M" } } == [1, 2])
    }

    @Test func stepsKeepTheirValueUntilTheNext() throws {
        let places = (0..<100).map { LinePlot.Place(Double($0), Double($0 * $0)) }
        var plot = LinePlot(title: "", horizontalTitle: "", verticalTitle: "", series: [.init(name: "", points: places)])
        plot.isStepwise = true
        let path = try ParsedPicture(plot.svg).elements("series").first?.attributes["d"] ?? ""
        #expect(path.count { $0 == "L" } == 2 * 99)
    }

    @Test func repeatsOfASearchAreComparedByTheirMeansOverTime() throws {
        func run(_ label: String, _ steps: [(Double, Double)], end: Double) -> StudyRace.Run {
            .init(label: label, steps: steps.map { .init($0.0, $0.1) }, end: end)
        }
        let race = StudyRace([
            run("slow", [(40, 2), (90, 6)], end: 100), run("slow", [(50, 4), (120, 9)], end: 130),
            run("fast", [(10, 4), (30, 6)], end: 110), run("late", [(115, 99)], end: 120), run("never", [(115, 4)], end: 120),
        ])
        #expect(race.end == 100)
        #expect(race.groups.map(\.label) == ["slow", "fast", "late", "never"])
        #expect(race.groups[0].mean(at: 39) == 0 && race.groups[0].mean(at: 40) == 1 && race.groups[0].mean(at: 100) == 5)
        #expect(race.groups[0].values(at: race.end) == [6, 4])
        #expect(race.groups.map { $0.time(reaching: 5) } == [90, 30, 115, nil])
        #expect(race.plot.series.map { $0.points.first?.x } == [10, 10, 10, 10] && race.plot.series.map { $0.points.last?.x } == [100, 110, 120, 120])
        #expect(try ParsedPicture(race.plot.svg).count("series") == 4)
    }

    @Test func manySeriesAndEmptyOnesAreDrawn() throws {
        let series = (0..<60).map { LinePlot.Series(name: "<\($0)>", points: $0 == 0 ? [] : [.init(0, Double($0))]) }
        let picture = try ParsedPicture(LinePlot(title: "&", horizontalTitle: "x", verticalTitle: "y", series: series).svg)
        #expect(picture.count("series") == 59 && picture.count("place") == 59)
    }
}
