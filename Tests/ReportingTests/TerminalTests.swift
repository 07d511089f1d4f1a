import Reporting
import Testing

@Suite struct TerminalTests {
    @Test func durationsInWords() {
        let cases: [(Duration, String)] = [
            (.zero, "0 s"), (.milliseconds(400), "0.4 s"), (.seconds(3), "3 s"), (.milliseconds(9990), "10 s"),
            (.milliseconds(59_700), "1 min"), (.seconds(42), "42 s"), (.seconds(60), "1 min"), (.seconds(200), "3 min 20 s"),
            (.seconds(3599), "59 min 59 s"), (.milliseconds(3_599_900), "1 h"), (.seconds(7500), "2 h 5 min"),
            (.seconds(86_399), "1 d"), (.seconds(273_600), "3 d 4 h"), (.seconds(-90), "-1 min 30 s"),
        ]
        for (duration, words) in cases { #expect(duration.words == words) }
    }

    static var progress: SearchProgressLine {
        var line = SearchProgressLine()
        line.done = 12
        line.failed = 1
        line.total = 64
        line.running = [
            .init(trial: 13, fraction: 0.456, phase: "training"), .init(trial: 14, fraction: .nan, phase: "waiting"),
        ]
        line.best = [("psnr_db", 29.314), ("latency_ms", 2.2)]
        line.frontSize = 5
        line.hypervolume = 4321.2
        line.elapsed = .seconds(200)
        line.remaining = .seconds(3900)
        return line
    }

    @Test func aWideLineSaysEverything() {
        #expect(
            Self.progress.text(width: 200)
                == "[==          ]  12/64 trials  1 failed  2 running  (#13 45 %, #14 waiting)  best 29.31 dB  2.20 ms"
                + "  front 5  hypervolume 4321  3 min 20 s  1 h 5 min left")
    }

    @Test(arguments: 0...200)
    func aLineFitsItsWidthOnOneLine(width: Int) {
        let text = Self.progress.text(width: width)
        #expect(text.count <= width)
        #expect(!text.contains { $0.isNewline })
        if width >= 12 { #expect(text.contains("12/64 trials")) }
        #expect(SearchProgressLine().text(width: width).count <= width)
    }

    @Test func withoutABudgetThereIsNoBar() {
        #expect(SearchProgressLine().text(width: 80) == "0 trials  0 s")
        var zero = SearchProgressLine()
        zero.total = 0
        #expect(zero.text(width: 80) == "0/0 trials  0 s")
    }
}
