import CKernels

/// What this machine can do at most (Williams et al., "Roofline", 2009): multiply-adds and bytes from memory in a second.
package struct MachineLimits: Sendable, Equatable {
    /// FLOPs are 2 multiply-accumulates.
    package var gflopsPerSecond: Double
    package var gigabytesPerSecond: Double

    package init(gflopsPerSecond: Double, gigabytesPerSecond: Double) {
        self.gflopsPerSecond = gflopsPerSecond
        self.gigabytesPerSecond = gigabytesPerSecond
    }

    /// Measures them, in about 0.3 s. Disturbed by others on the machine, as the kernels are.
    package static func measure(threads: Int, bf16: Bool = false) -> MachineLimits {
        MachineLimits(
            gflopsPerSecond: halcyon_measure_peak_gflops(Int32(threads), bf16 ? 1 : 0),
            gigabytesPerSecond: halcyon_measure_bandwidth(Int32(threads)))
    }

    /// The seconds that the arithmetic alone takes at least.
    package func arithmeticSeconds(macs: Int) -> Double { 2 * Double(macs) / gflopsPerSecond / 1e9 }
    /// The seconds that the traffic alone takes at least, where it comes from memory; less where it comes from a cache.
    package func memorySeconds(bytes: Int) -> Double { Double(bytes) / gigabytesPerSecond / 1e9 }
    /// The nearer of the two.
    package func seconds(macs: Int, bytes: Int) -> Double { max(arithmeticSeconds(macs: macs), memorySeconds(bytes: bytes)) }
}
