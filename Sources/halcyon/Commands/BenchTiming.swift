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

/// When this process started, loading of libraries included, on the clock that `secondsSinceProcessStart` reads.
///
/// The kernel tells it in hundredths of a second, rounded down. Within that hundredth the start is the processor time that was
/// used so far before now: exact as long as nobody has waited. To be asked at the very beginning, as `Halcyon.main` does.
let processStart: Double = {
    let now = bootSeconds()
    var used = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used)
    let estimate = now - seconds(used)
    guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8), let end = stat.lastIndex(of: ")") else {
        return estimate
    }
    // The 22nd field, counted from 1; the name before it may hold spaces.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return estimate }
    let tick = 1 / Double(sysconf(Int32(_SC_CLK_TCK)))
    return min(max(estimate, ticks * tick), (ticks + 1) * tick)
}()

func secondsSinceProcessStart() -> Double { bootSeconds() - processStart }

private func bootSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return seconds(now)
}

private func seconds(_ time: timespec) -> Double { Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9 }
