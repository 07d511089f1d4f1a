import Foundation
import Reporting
import Testing
import Trials

@Suite struct FrontPlotTests {
    @Test(arguments: [0, 1, 2, 5, 30, 200])
    func everyPointIsDrawnOnce(trials: Int) throws {
        let study = Samples.study(trials: trials)
        let picture = try ParsedPicture(FrontPlot(study).svg)
        let points = study.trials.reduce(0) { $0 + $1.points.count }
        #expect(picture.count("trial") + picture.count("front") == points)
        #expect(picture.count("front") == study.front.count)
        #expect(picture.count("network") == study.trials.count { $0.points.count > 1 })
        #expect(picture.count("staircase") == (study.front.isEmpty ? 0 : 1))
        #expect(picture.count("empty") == (study.front.isEmpty ? 1 : 0))
        for state in TrialState.allCases {
            let off = study.trials.filter { $0.state == state }.reduce(0) { sum, trial in
                sum + trial.points.count { point in
                    !study.front.contains { $0.trial == trial.number && $0.point.point == point.point }
                }
            }
            #expect(picture.count(state.rawValue.lowercased()) == off)
        }
    }

    @Test func marksLieInsideThePlotAndLabelsDoNotOverlap() throws {
        var study = Samples.study(trials: 64)
        study.references = Samples.references
        let picture = try ParsedPicture(FrontPlot(study).svg)
        #expect(picture.count("reference") == Samples.references.count)
        let labels = picture.elements("mark-label")
        #expect(labels.count > study.front.count / 2)
        #expect(Samples.references.allSatisfy { reference in labels.contains { $0.text == reference.name } })
        let places = try labels.map { label in
            (x: try #require(Double(label.attributes["x"] ?? "")), y: try #require(Double(label.attributes["y"] ?? "")))
        }
        for (index, a) in places.enumerated() {
            #expect((74...728).contains(a.x) && (66...524).contains(a.y))
            for b in places[..<index] { #expect(abs(a.x - b.x) > 10 || abs(a.y - b.y) > 9) }
        }
    }

    @Test func staircaseRunsAlongTheNonDominatedPoints() throws {
        let trials = [(1.0, 28.0), (2, 29), (4, 30), (3, 28.5)].enumerated().map { number, pair in
            Samples.network(number, ["latency_ms": pair.0, "psnr_db": pair.1])
        }
        let picture = try ParsedPicture(FrontPlot(Samples.picture("", trials, Samples.objectives)).svg)
        let path = try #require(picture.elements("staircase").first?.attributes["d"])
        // Three corners, and two between them, each as long at the earlier quality as it takes.
        let places = path.dropFirst().split(separator: "L").map { $0.split(separator: " ").compactMap { Double($0) } }
        #expect(places.count == 5)
        #expect(zip(places, places.dropFirst()).allSatisfy { $0[0] <= $1[0] && $0[1] >= $1[1] })
        #expect(places[1][1] == places[0][1] && places[1][0] == places[2][0])
        #expect(picture.count("trial") == 1)
    }

    @Test func textIsEscaped() throws {
        var study = Samples.study(trials: 3)
        study.title = "<b> & \"q\" 'a' \u{1} \u{FFFE} ]]> σ"
        study.trials[0].family = "<&>\""
        study.references = [.init(name: "a<b&\"c\"", metrics: ["psnr_db": 28, "latency_ms": 9])]
        let picture = try ParsedPicture(FrontPlot(study).svg)
        #expect(picture.elements("title").first?.text == "<b> & \"q\" 'a' \u{FFFD} \u{FFFD} ]]> σ")
        #expect(picture.elements("mark-label").contains { $0.text == "a<b&\"c\"" })
        #expect(picture.elements("legend").contains { $0.text == "<&>\" (1)" })
    }

    @Test func valuesThatAreNoNumbersAreSkipped() throws {
        let values: [Double] = [.nan, .infinity, -.infinity, 28]
        let trials = values.enumerated().map { Samples.network($0.offset, ["latency_ms": 3, "psnr_db": $0.element]) }
        var study = Samples.picture("odd", trials + [Samples.network(9, [:])], Samples.objectives)
        study.references = [.init(name: "nothing", metrics: ["psnr_db": .nan, "latency_ms": 1])]
        let picture = try ParsedPicture(FrontPlot(study).svg)
        #expect(picture.count("trial") + picture.count("front") == 1)
        #expect(picture.count("reference") == 0)
    }

    @Test func equalAndHugeValuesArePlaced() throws {
        for value in [0.0, 1, 1e-300, 1e300, -7] {
            let trials = (0..<4).map { Samples.network($0, ["latency_ms": value, "psnr_db": value]) }
            let picture = try ParsedPicture(FrontPlot(Samples.picture("equal", trials, Samples.objectives)).svg)
            #expect(picture.count("trial") + picture.count("front") == 4)
        }
    }

    @Test func aFarOutlierStandsAtTheEdgeAndIsTold() throws {
        let trials = (0..<20).map {
            Samples.network($0, ["latency_ms": Double(2 + $0), "psnr_db": $0 == 3 ? -40 : 28 + Double($0) / 20])
        }
        let picture = try ParsedPicture(FrontPlot(Samples.picture("outlier", trials, Samples.objectives)).svg)
        #expect(picture.count("beyond") == 1)
        #expect(picture.elements("legend").contains { $0.text == "1 beyond the axes" })
    }

    @Test func costsSpreadOverADecadeAreLogarithmic() throws {
        func labels(_ latencies: [Double]) throws -> [String] {
            let trials = latencies.enumerated().map {
                Samples.network($0.offset, ["latency_ms": $0.element, "psnr_db": 25 + Double($0.offset)])
            }
            let picture = try ParsedPicture(FrontPlot(Samples.picture("", trials, Samples.objectives)).svg)
            return picture.elements("label").filter { $0.attributes["text-anchor"] == "middle" }.map(\.text)
        }
        #expect(try labels([1.2, 9, 45]) == ["1", "2", "5", "10", "20", "50"])
        #expect(try labels([10, 20, 50]) == ["0", "10", "20", "30", "40", "50", "60"])
    }

    @Test func axesAreChosenAndNamedWithUnits() throws {
        func titles(_ plot: FrontPlot) throws -> [String] {
            try ParsedPicture(plot.svg).elements("axis-title").map(\.text)
        }
        let study = Samples.study(trials: 8)
        #expect(try titles(FrontPlot(study)) == ["latency (ms)", "PSNR (dB)"])
        #expect(try titles(FrontPlot(study, x: "macs", y: "ssim")) == ["multiply-accumulates (G)", "SSIM"])
        #expect(try titles(FrontPlot(study, x: "parameters")) == ["parameters (thousands)", "PSNR (dB)"])
        #expect(try titles(FrontPlot(study, y: "ssim")) == ["latency (ms)", "SSIM"])
        let one = Samples.study(trials: 8, objectives: [Samples.objectives[0]])
        #expect(try titles(FrontPlot(one)) == ["trial number", "PSNR (dB)"])
        let both = [Samples.objectives[0], Objective(metric: "ssim", direction: .maximize, reference: 0)]
        #expect(try titles(FrontPlot(Samples.study(trials: 8, objectives: both))) == ["SSIM", "PSNR (dB)"])
    }
}
