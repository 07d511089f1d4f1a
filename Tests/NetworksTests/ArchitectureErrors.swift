import Documents
import Networks
import Testing

@Suite struct ArchitectureErrors {
    struct Fault: Sendable {
        var line: String
        var location: String
        var parts: [String]
    }

    static let good = [
        "network:", "  input-channels: 1", "  size-multiple: 4", "  skeleton:", "    kind: unetpp", "    levels: 3", "    width: 8",
        "    nodes: {block: plain, kernel: 3}",
    ]

    /// One line of the good document replaced by a faulty one.
    @Test(arguments: [
        Fault(line: "  input-chanels: 1", location: "a.yaml:2:3", parts: ["unknown key", "did you mean \"input-channels\""]),
        Fault(line: "  input-channels: 2", location: "a.yaml:2:19", parts: ["expected 1 or 3"]),
        Fault(line: "  size-multiple: 2", location: "a.yaml:3:18", parts: ["multiple of 4", "size-multiple: 4"]),
        Fault(line: "  pixel-unshuffle: 3", location: "a.yaml:3:20", parts: ["expected 1, 2 or 4"]),
        Fault(line: "  pixel-unshuffle: 5", location: "a.yaml:3:20", parts: ["from 1 to 4"]),
        Fault(line: "  pixel-order: colum-major", location: "a.yaml:3:16", parts: ["did you mean \"column-major\""]),
        Fault(line: "    kind: unetpq", location: "a.yaml:5:11", parts: ["chain, unetpp", "did you mean \"unetpp\""]),
        Fault(line: "    levels: 6", location: "a.yaml:6:13", parts: ["from 2 to 5"]),
        Fault(line: "    levels: 4", location: "a.yaml:3:18", parts: ["multiple of 8"]),
        Fault(line: "    width: 100000", location: "a.yaml:7:12", parts: ["from 1 to 1024"]),
        Fault(line: "    width: eight", location: "a.yaml:7:12", parts: ["an integer", "eight"]),
        Fault(line: "    nodes: {block: plain, kernel: 4}", location: "a.yaml:8:35", parts: ["1, 3, 5, 7"]),
        Fault(line: "    nodes: {block: plain, kernal: 3}", location: "a.yaml:8:27", parts: ["unknown key", "did you mean \"kernel\""]),
        Fault(line: "    nodes: {block: plane}", location: "a.yaml:8:20", parts: ["did you mean \"plain\""]),
        Fault(line: "    nodes: {kernel: 3}", location: "a.yaml:8:12", parts: ["\"block\" is missing"]),
        Fault(line: "    nodes: [{block: plain}]", location: "a.yaml:8:12", parts: ["6 nodes", "a list of 1"]),
        Fault(line: "    nodes: plain", location: "a.yaml:8:12", parts: ["a mapping"]),
        Fault(line: "    nodes: {block: plain, normalization: layer}", location: "a.yaml:8:42", parts: ["batch, none"]),
        Fault(line: "    nodes: {block: plain, activation: relu, slope: 2}", location: "a.yaml:8:52", parts: ["from 0.0 to 1.0"]),
        Fault(line: "    nodes: {block: dense, growth: 0}", location: "a.yaml:8:35", parts: ["from 1 to 256"]),
        Fault(line: "    nodes: {block: identity, kernel: 3}", location: "a.yaml:8:30", parts: ["unknown key"]),
    ])
    func faultsAreLocated(_ fault: Fault) throws {
        let key = fault.line.split(separator: ":")[0].trimmingPrefix { $0 == " " }
        let index = try #require(Int(fault.location.split(separator: ":")[1]))
        var lines = Self.good
        let place = lines.firstIndex { $0.trimmingPrefix { $0 == " " }.hasPrefix("\(key):") } ?? index - 1
        lines[place] = fault.line
        let error = try #require(throws: InputError.self) {
            try Architecture(try Document.parse(lines.joined(separator: "\n"), file: "a.yaml"))
        }
        #expect(error.location?.description == fault.location, "\(error)")
        for part in fault.parts { #expect(error.description.contains(part), "\(error)") }
    }

    @Test func headsDivideTheWidth() throws {
        let lines = [
            "network:", "  skeleton:", "    kind: swin", "    width: 6", "    groups:",
            "      - blocks: [{block: window-attention, heads: 4, window: 2}]",
        ]
        let error = try #require(throws: InputError.self) {
            try Architecture(try Document.parse(lines.joined(separator: "\n"), file: "a.yaml"))
        }
        #expect(error.location?.description == "a.yaml:6:51", "\(error)")
        for part in ["4 heads", "6 channels", "1, 2, 3, 6"] { #expect(error.description.contains(part), "\(error)") }
    }

    @Test func theGoodDocumentIsGood() throws {
        let document = try Document.parse(Self.good.joined(separator: "\n"), file: "a.yaml")
        #expect(try Architecture(document).family == "unetpp")
        #expect(try candidateHash(document) == Architecture(document).candidateHash)
    }

    @Test func absurdSizesAreRefused() throws {
        let wide: Document = ["skeleton": ["kind": "unetpp", "levels": 5, "width": 1024, "nodes": ["block": "plain"]]]
        #expect(throws: InputError.self) { try Architecture(["network": wide]) }
        let blocks = Document.array(Array(repeating: ["block": "plain", "kernel": 7], count: 200))
        let heavy: Document = ["skeleton": ["kind": "chain", "width": 1024, "blocks": blocks]]
        let error = try #require(throws: InputError.self) { try Architecture(["network": heavy]) }
        #expect(error.message.contains("parameters"))
        let good = try Architecture(["network": sampleNetworks[0]])
        #expect(throws: InputError.self) { try NetworkCost(of: good, height: 1 << 40, width: 8) }
        #expect(throws: InputError.self) { try NetworkCost(of: good, height: 0, width: 8) }
        let nested = try reference("unetpp4x32")
        let small = try #require(throws: InputError.self) { try NetworkCost(of: nested, height: 3, width: 3) }
        #expect(small.message.contains("3x3"))
    }
}
