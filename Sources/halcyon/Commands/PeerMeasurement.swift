import Documents
import Execution
import Foundation

/// One measurement of one program: patches a second of training, or milliseconds of an inference.
struct PeerMeasurement {
    /// `halcyon`, or the peer's mode or engine.
    var mode: String
    var value: Double
    /// Until the first step was done; nil where nobody measured it.
    var firstStep: Double?
    /// A steady step of ours.
    var step: Double?
}

/// The scripts of a folder of peers, and the settings under which they and we are measured.
struct PeerScripts {
    var folder: String
    var python: String
    var infer: Bool
    var precision: String
    var threads: Int
    var batch: Int
    var size: Int
    var seconds: Double

    var script: String { "\(folder)/\(infer ? "infer" : "train_step").py" }
    /// What the peer's lines call the mode.
    private var modeKey: String { infer ? "engine" : "mode" }
    private var valueKey: String { infer ? "ms" : "patches_per_s" }

    /// The modes that do the same as we do in this precision.
    var usualModes: [String] {
        switch (infer, precision) {
        case (true, "bf16"): ["openvino_bf16"]
        case (true, _): ["onnxruntime", "openvino_f32"]
        case (false, "bf16"): ["bf16", "compile_bf16"]
        default: ["channels_last", "compile"]
        }
    }

    /// - Throws: `InputError` where the folder is not what `--help` says.
    func check() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw InputError(file: folder, "there is no such folder", hint: "--peers names a folder with train_step.py, infer.py and models.py")
        }
        guard FileManager.default.fileExists(atPath: script) else {
            throw InputError(
                file: script, "there is no such file", hint: "`halcyon bench versus --help` says what a folder of peers holds")
        }
    }

    /// Runs this very program on the network. Nil where it was stopped.
    func ours(_ file: String, shouldStop: () -> Bool) throws -> PeerMeasurement? {
        let binary = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let command = [
            binary, "bench", infer ? "infer" : "step", "--architecture", file, "--precision", precision, "--threads", "\(threads)",
            "--batch", "\(batch)", "--size", "\(size)", "--seconds", "\(seconds)", "--json",
        ]
        let result = try runTool(command, shouldStop: shouldStop)
        if result.wasStopped { return nil }
        let prefix = "halcyon: "
        guard result.status == 0, let line = result.output.split(separator: "\n").last else {
            let complaint = result.complaint.hasPrefix(prefix) ? String(result.complaint.dropFirst(prefix.count)) : result.complaint
            throw InputError("our own measurement failed: \(complaint)")
        }
        let row = try Document.parse(json: String(line), file: "bench \(infer ? "infer" : "step")")
        return PeerMeasurement(
            mode: "halcyon", value: try row.required(infer ? "latency_ms" : "patches_per_second").double(),
            firstStep: try row["first_step_seconds"]?.double(), step: try row["step_seconds"]?.double())
    }

    /// Runs the peer's script on the network in these modes. Nil where it was stopped.
    func peer(_ network: String, modes: [String], shouldStop: () -> Bool) throws -> [PeerMeasurement]? {
        var command = [python, script, "--models", network, "--threads", "\(threads)", "--size", "\(size)", "--seconds", "\(seconds)"]
        if !infer { command += ["--modes", modes.joined(separator: ","), "--batch", "\(batch)"] }
        let result = try runTool(command, shouldStop: shouldStop)
        if result.wasStopped { return nil }
        guard result.status == 0 else {
            let missing = result.complaint.contains("ModuleNotFoundError")
            throw InputError(
                file: script, "\(python) failed on \(network): \(result.complaint)",
                hint: missing ? "--python names a Python that has the module" : "run it by hand: \(command.joined(separator: " "))")
        }
        var found: [PeerMeasurement] = []
        for (number, line) in result.output.split(separator: "\n").enumerated() where line.hasPrefix("{") {
            let row = try Document.parse(json: String(line), file: "\(script), line \(number + 1) of its output")
            let value = try row.required(valueKey).double(valueKey, in: 1e-12...1e12)
            let measurement = PeerMeasurement(
                mode: try row.required(modeKey).string(modeKey), value: value, firstStep: try row["first_step_s"]?.double())
            if try row.required("model").string("model") == network, modes.contains(measurement.mode) { found.append(measurement) }
        }
        if let missing = modes.first(where: { mode in !found.contains { $0.mode == mode } }) {
            throw InputError(
                file: script, "printed no line for \(network) with \"\(modeKey)\": \"\(missing)\"",
                hint: "`halcyon bench versus --help` says what a peer prints; --modes names others")
        }
        return found
    }
}
