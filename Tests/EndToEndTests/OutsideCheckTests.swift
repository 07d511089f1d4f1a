import Foundation
import Testing

/// Other people's programs agree with the engine: `Experiments/outside-check/outside_check.py` against the binary under test.
@Suite(.serialized)
struct OutsideCheckTests {
    @Test(
        .enabled(
            if: OutsidePython.fast != nil,
            "\(OutsidePython.missing(OutsidePython.fastPackages))"))
    func onnxruntimeComputesWhatTheExportedNetworksCompute() throws {
        let python = try #require(OutsidePython.fast)
        let check = try python.check("--fast", "--jobs", "1")
        #expect(check.status == 0, "\(check.output)")
    }

    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["HALCYON_LONG_TESTS"] == "1", "the slow suites run with `make test-long`"),
        .enabled(
            if: OutsidePython.whole != nil,
            "\(OutsidePython.missing(OutsidePython.wholePackages))"))
    func exportsGradientsAndCostsAreConfirmed() throws {
        let python = try #require(OutsidePython.whole)
        let check = try python.check()
        print(check.output)
        #expect(check.status == 0)
    }
}

/// A Python that has the packages of the check: the one that `HALCYON_OUTSIDE_PYTHON` names; without it the experiment's own, or
/// `python3`.
private struct OutsidePython {
    static let fastPackages = ["numpy", "onnx", "onnxruntime", "safetensors"]
    static let wholePackages = fastPackages + ["openvino", "torch"]
    static let fast = find(fastPackages)
    static let whole = find(wholePackages)
    private static let variable = "HALCYON_OUTSIDE_PYTHON"
    private static let named = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    private static let folder = Program.repository + "/Experiments/outside-check"

    var path: String

    /// The whole script's exit code and standard output; its progress goes to standard error.
    func check(_ options: String...) throws -> (status: Int32, output: String) {
        try Program.tool([path, Self.folder + "/outside_check.py", "--halcyon", Program.path] + options)
    }

    /// Why a test is skipped.
    static func missing(_ packages: [String]) -> String {
        let place = named.map { "\(variable) (\($0)) is no Python" } ?? "no Python"
        return "\(place) with \(packages.joined(separator: ", ")): Experiments/outside-check/run makes one"
    }

    private static func find(_ packages: [String]) -> OutsidePython? {
        let script = "import sys, importlib.util as u; sys.exit(any(u.find_spec(name) is None for name in sys.argv[1:]))"
        let paths = named.map { [$0] } ?? [folder + "/.venv/bin/python", "python3"]
        return paths.map(OutsidePython.init).first {
            (try? Program.tool([$0.path, "-c", script] + packages, errors: .nullDevice).status) == 0
        }
    }
}
