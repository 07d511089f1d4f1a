import Documents
import Foundation
import Reporting
import Testing
import Trials

@Suite struct FrontTableTests {
    @Test func textAlignsAndNamesUnits() throws {
        let trials = [
            Samples.network(12, ["psnr_db": 29.876, "ssim": 0.8231, "latency_ms": 41.2, "latency_mad_ms": 0.31, "parameters": 56289, "macs": 3.67e9]),
            Samples.network(3, ["psnr_db": 28.1, "latency_ms": 5.25, "parameters": 1200, "macs": 7.8e7]),
        ]
        let text = FrontTable(Samples.picture("", trials, Samples.objectives)).text
        #expect(
            text == """
                number  point  family  psnr_db    ssim  latency_ms ± mad  parameters (thousands)  macs (G)
                     3      0  chain     28.10       -       5.25                            1.2     0.078
                    12      0  chain     29.88  0.8231      41.20 ± 0.31                    56.3     3.670

                """)
    }

    @Test func csvRoundTripsAndIsSortedByCost() throws {
        var study = Samples.study(trials: 40)
        study.front.shuffleDeterministically()
        study.front[0].family = "a \"b\", c\nd"
        let rows = Self.parse(FrontTable(study).csv)
        let header = rows[0]
        #expect(header.prefix(7) == ["number", "point", "family", "threshold", "psnr_db", "ssim", "latency_ms"])
        #expect(rows.count == study.front.count + 1)
        var costs: [Double] = []
        for row in rows.dropFirst() {
            let fields = Dictionary(uniqueKeysWithValues: zip(header, row))
            let entry = try #require(study.front.first { ["\($0.trial)", "\($0.point.point)"] == Array(row.prefix(2)) })
            #expect(fields["family"] == entry.family)
            #expect(fields["threshold"] == entry.point.threshold.map { "\($0)" } ?? "")
            for name in header.dropFirst(4) { #expect(Double(fields[name] ?? "") == entry.point.metrics[name]) }
            costs.append(try #require(entry.point.metrics["latency_ms"]))
        }
        #expect(costs == costs.sorted())
    }

    @Test func jsonLinesSayTheSameAsTheCSV() throws {
        let table = FrontTable(Samples.study(trials: 40))
        let rows = Self.parse(table.csv)
        let lines = table.jsonLines.split(separator: "\n")
        #expect(lines.count == rows.count - 1)
        for (line, row) in zip(lines, rows.dropFirst()) {
            let fields = try Document.parse(String(line), file: "").fields()
            #expect(fields.map(\.key) == rows[0])
            for (field, text) in zip(fields, row) {
                switch field.key {
                case _ where text.isEmpty: #expect(field.value.isNull)
                case "family": #expect(try field.value.string() == text)
                default: #expect(try field.value.double() == Double(text))
                }
            }
        }
    }

    @Test func anEmptyFrontAndMissingValuesAreTold() throws {
        let empty = FrontTable(Samples.study(trials: 0))
        #expect(empty.text.contains("no trial is complete"))
        #expect(empty.csv.split(separator: "\n").count == 1 && empty.jsonLines.isEmpty)
        let odd = Samples.study(trials: 0)
        var study = odd
        study.front = [.nan, 2, .infinity].enumerated().map {
            FrontEntry(trial: $0.offset, family: nil, point: Point(metrics: ["latency_ms": $0.element]))
        }
        let table = FrontTable(study)
        #expect(Self.parse(table.csv).dropFirst().map { $0[0] } == ["1", "0", "2"])
        #expect(table.jsonLines.split(separator: "\n").count == 3)
        #expect(table.text.split(separator: "\n").count == 4)
    }

    /// A reader of RFC 4180.
    static func parse(_ csv: String) -> [[String]] {
        var (rows, row, field, quoted) = ([[String]](), [String](), "", false)
        var characters = Array(csv)[...]
        while let character = characters.popFirst() {
            switch character {
            case "\"" where quoted && characters.first == "\"":
                field.append("\"")
                characters.removeFirst()
            case "\"": quoted.toggle()
            case "," where !quoted:
                row.append(field)
                field = ""
            case "\n" where !quoted:
                rows.append(row + [field])
                (row, field) = ([], "")
            default: field.append(character)
            }
        }
        return rows
    }
}

extension Array {
    fileprivate mutating func shuffleDeterministically() {
        for index in indices { swapAt(index, (index * 7 + 3) % count) }
    }
}
