import Documents
import Foundation
import Testing

/// `bench versus`, `profile`, `fusion` and `step`: what they say, not how fast it is.
@Suite struct BenchTests {
    private static let chain = "halcyon: 1\nnetwork: {skeleton: {kind: chain, width: 4, blocks: [{block: plain}]}}\n"

    /// A folder of peers whose script is for `sh`: half a patch and a quarter of a patch a second, whatever is asked.
    private func peers(_ folder: Folder) throws -> String {
        try FileManager.default.createDirectory(atPath: folder.path("peers"), withIntermediateDirectories: true)
        _ = try folder.write(
            "peers/train_step.py",
            """
            echo "starting"
            echo "{\\"model\\": \\"$2\\", \\"mode\\": \\"channels_last\\", \\"patches_per_s\\": 0.25, \\"first_step_s\\": 1}"
            echo "{\\"model\\": \\"$2\\", \\"mode\\": \\"compile\\", \\"patches_per_s\\": 0.5, \\"first_step_s\\": 40}"

            """)
        return folder.path("peers")
    }

    @Test func versusIsARatioToTheBestMode() throws {
        let folder = try Folder()
        _ = try folder.write("net.yaml", Self.chain)
        let result = try Program.run(
            "bench", "versus", "--peers", try peers(folder), "--python", "sh", "--references", folder.path(""), "--networks", "net",
            "--rounds", "2", "--size", "8", "--batch", "2", "--seconds", "0.05", "--json")
        #expect(result.status == 0, "\(result.errors)")
        let rows = try result.lines.map { try Document.parse(json: $0, file: "row") }
        try #require(rows.count == 2)
        let ours = try rows[0].required("halcyon").double(), ratio = try rows[0].required("ratio").double()
        #expect(ours > 0 && abs(ratio - ours / 0.5) < 1e-9 * ratio)
        #expect(try rows[0].required("best_peer").string() == "compile")
        // A mode that compiles for so long is measured once.
        #expect(rows[0]["peers"]?["compile"]?["runs"]?.json == "[0.5]" && rows[0]["peers"]?["channels_last"]?["runs"]?.json == "[0.25,0.25]")
        #expect(try abs(rows[1].required("ratio").double() - ratio) < 1e-9 * ratio)
    }

    @Test func whatIsWrongWithPeersIsSaid() throws {
        let folder = try Folder()
        _ = try folder.write("net.yaml", Self.chain)
        let peers = try peers(folder)
        func complaint(_ arguments: String...) throws -> String {
            let fixed = ["bench", "versus", "--references", folder.path(""), "--seconds", "0.05", "--size", "8"]
            let result = try Program.Run(fixed + arguments).finish()
            #expect(result.status == 2, "\(result.errors)")
            return result.errors
        }
        #expect(try complaint("--peers", folder.path("nowhere"), "--networks", "net").contains("no such folder"))
        #expect(try complaint("--peers", peers, "--python", "sh", "--networks", "nat").contains("did you mean net?"))
        #expect(try complaint("--peers", peers, "--python", "sh", "--networks", "net", "--modes", "eager").contains("eager"))
        #expect(try complaint("--peers", peers, "--python", "false", "--networks", "net").contains("false failed on net"))
    }

    @Test(arguments: [false, true]) func aProfileAddsUp(_ infer: Bool) throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.chain), picture = folder.path("roofline.svg")
        let result = try Program.Run(
            ["bench", "profile", "--architecture", file, "--size", "16", "--batch", "2", "--seconds", "0.1", "--json", "--out", picture]
                + (infer ? ["--infer"] : [])
        ).finish()
        #expect(result.status == 0, "\(result.errors)")
        let rows = try result.lines.map { try Document.parse(json: $0, file: "row") }
        func sum(_ kind: String, _ key: String) throws -> Double {
            try rows.filter { $0["kind"]?.json == "\"\(kind)\"" }.reduce(0) { try $0 + $1.required(key).double() }
        }
        for key in ["ms", "macs", "bytes"] {
            let whole = try sum("instruction", key)
            #expect(try whole > 0 && abs(sum("operation", key) - whole) < 1e-6 * whole, "\(key)")
        }
        // Two convolutions of 3x3 from and to one channel, one of 4 to 4: forward, and in training all gradients but the image's.
        let forward = 2.0 * 16 * 16 * 9 * (4 + 16 + 4)
        #expect(try sum("instruction", "macs") == (infer ? forward : 3 * forward - 2 * 16 * 16 * 9 * 4))
        #expect(try rows[0].required("peak_gflops_per_second").double() > 0.1)
        #expect(try sum("rewrite", "count") >= 1)
        #expect(try String(contentsOfFile: picture, encoding: .utf8).contains("</svg>"))
    }

    @Test func fusedAndUnfusedNetworksAgree() throws {
        let space = Program.repository + "/SearchSpaces/mixed.yaml"
        let result = try Program.run("bench", "fusion", space, "--count", "4", "--seed", "11", "--size", "16", "--json")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.lines.count >= 4)
    }

    @Test(arguments: ["f32", "bf16"]) func aStepIsTimedInBothPrecisions(_ precision: String) throws {
        let folder = try Folder()
        let file = try folder.write("net.yaml", Self.chain)
        let result = try Program.run(
            "bench", "step", "--architecture", file, "--precision", precision, "--size", "8", "--batch", "2", "--threads", "2",
            "--seconds", "0.05", "--json")
        #expect(result.status == 0, "\(result.errors)")
        let row = try Document.parse(json: result.output, file: "row")
        #expect(try row.required("precision").string() == precision && row.required("peak_bytes").double() > 0)
    }
}
