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

    @Test(arguments: [0, 1, 100, 2000])
    func hypervolumeIsStepwise(count: Int) throws {
        let entries = (0..<count).map { HypervolumeEntry(trial: $0, at: Double($0), value: Double($0 * $0)) }
        let picture = try ParsedPicture(LinePlot.hypervolume(entries.reversed()).svg)
        #expect(picture.count("series") == min(count, 1))
        #expect(picture.count("empty") == (count == 0 ? 1 : 0))
        let path = picture.elements("series").first?.attributes["d"] ?? ""
        #expect(path.count { $0 == "L" } == max(0, 2 * (count - 1)))
    }

    @Test func manySeriesAndEmptyOnesAreDrawn() throws {
        let series = (0..<60).map { LinePlot.Series(name: "<\($0)>", points: $0 == 0 ? [] : [.init(0, Double($0))]) }
        let picture = try ParsedPicture(LinePlot(title: "&", horizontalTitle: "x", verticalTitle: "y", series: series).svg)
        #expect(picture.count("series") == 59 && picture.count("place") == 59)
    }
}
