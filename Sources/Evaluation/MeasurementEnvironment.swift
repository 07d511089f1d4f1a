import COpenBLAS
import Documents
import Engine
import Foundation

/// What a measured time depends on. Latencies of different environments never share a front unless asked.
package struct MeasurementEnvironment: Sendable, Equatable {
    package var host: String
    package var processor: String
    package var instructionSet: String
    package var threads: Int
    package var device: String
    /// The core type whose kernels OpenBLAS chose.
    package var blasCore: String
    /// This program's version.
    package var version: String

    /// This process's environment.
    package init(threads: Int = 1) {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let model = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = model.flatMap { $0.split(separator: ":").last }.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        instructionSet = CPUDevice.instructionSet
        self.threads = threads
        device = "cpu"
        blasCore = String(cString: halcyon_openblas_core())
        version = Release.version
    }

    package var document: Document {
        [
            "host": .string(host), "cpu": .string(processor), "isa": .string(instructionSet), "threads": .int(threads),
            "device": .string(device), "blas_core": .string(blasCore), "version": .string(version),
        ]
    }
}
