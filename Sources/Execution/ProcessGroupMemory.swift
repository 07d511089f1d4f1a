import Foundation

/// The memory of processes on this machine, by process group: what a worker, its wrapper and its children use together.
enum ProcessGroupMemory {
    /// Resident bytes of each group, pages that processes share counted each time; and its processes.
    static func resident(of groups: Set<pid_t>) -> [pid_t: (bytes: Int, processes: [pid_t])] {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        var found: [pid_t: (bytes: Int, processes: [pid_t])] = [:]
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(entry), let stat = text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { continue }
            // After the command's name: state, parent, group, ..., the 22nd is the number of resident pages.
            let fields = stat[stat.index(after: end)...].split(separator: " ", maxSplits: 22)
            guard fields.count > 21, let group = pid_t(fields[2]), groups.contains(group), let pages = Int(fields[21]) else { continue }
            found[group, default: (0, [])].bytes += pages * page
            found[group, default: (0, [])].processes.append(pid)
        }
        return found
    }

    /// Bytes of these processes, each shared page counted once in all; nil where the system does not tell.
    static func proportional(_ processes: [pid_t]) -> Int? {
        var sum = 0
        for pid in processes {
            guard let line = text("/proc/\(pid)/smaps_rollup")?.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
                let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            else { return nil }
            sum += kilobytes * 1024
        }
        return sum
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
