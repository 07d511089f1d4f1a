import Documents
import Engine
import Evaluation
import Foundation

extension BenchCommand {
    /// What is timed, and what is told about it.
    struct Subject {
        var executable: Executable
        var run: () -> Void
        /// From the timing and the seconds from the start of the process to the end of the first run.
        var report: (_ timing: Timing, _ first: Double) -> (fields: [(String, Document)], text: String)
    }
}

/// The median and the median absolute deviation of the seconds of a call.
typealias Timing = (median: Double, deviation: Double, runs: Int)

func measure(seconds: Double, _ body: () -> Void) -> Timing {
    var times: [Double] = []
    let began = steadyNow()
    while steadyNow() - began < seconds || times.count < 5 {
        let start = steadyNow()
        body()
        times.append(steadyNow() - start)
    }
    let summary = LatencyMeasurement(milliseconds: times.map { $0 * 1000 })
    return (summary.median / 1000, summary.medianAbsoluteDeviation / 1000, times.count)
}

/// From the start of this process (loading of libraries included), by the kernel's account.
func secondsSinceProcessStart() -> Double {
    guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = stat.lastIndex(of: ")"),
        let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
        let now = uptime.split(separator: " ").first.flatMap({ Double($0) })
    else { return 0 }
    // The 22nd field, counted from 1; the name before it may hold spaces.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return 0 }
    return max(0, now - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
}
