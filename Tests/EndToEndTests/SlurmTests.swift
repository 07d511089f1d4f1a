import Documents
import Foundation
import Testing
import TrialStore
import Trials

/// A search through Slurm: `Experiments/slurm/two-nodes.sh` makes two nodes of this machine, one of which dies in the middle.
/// With `HALCYON_SLURM_TESTS=1` or `make test-long`, as root, where slurm-wlm and munge are installed.
@Suite(.serialized, .enabled(if: slurmIsWanted, "Slurm is tried with `make test-long` or HALCYON_SLURM_TESTS=1"))
struct SlurmTests {
    private static let script = Program.repository + "/Experiments/slurm/two-nodes.sh"

    /// A cluster that ends with its owner.
    private final class Cluster {
        let folder: Folder
        var path: String { folder.path("cluster") }
        var environment: [String: String] { ["SLURM_CONF": path + "/slurm.conf", "HALCYON_CHECKPOINT_STEPS": "10"] }

        init?() throws {
            folder = try Folder()
            guard getuid() == 0 else {
                print("skipped: two slurmd on one machine need root")
                return nil
            }
            // munged and slurmd are daemons: nothing of theirs may hold a pipe of this process.
            let status = try Program.tool(["sh", "-c", "\"$0\" up \"$1\" > \"$1.out\" 2>&1", SlurmTests.script, path]).status
            guard status != 127 else {
                print("skipped: Slurm is not installed: apt-get install slurm-wlm munge")
                return nil
            }
            #expect(status == 0, "\((try? String(contentsOfFile: path + ".out", encoding: .utf8)) ?? "")")
        }

        func kill(node: String) throws { #expect(try Program.tool([SlurmTests.script, "kill", path, node]).status == 0) }

        deinit { _ = try? Program.tool([SlurmTests.script, "down", path]) }
    }

    private static func experiment(steps: Int, trials: Int) -> String {
        StudyCommandTests.experiment(
            steps: steps, trials: trials,
            more: "keep: all\nworkers: 4\nlimits: {retries: 5, start-seconds: 120}\nlauncher: [srun, --exact, -N1, -n1, -c1]"
        ).replacingOccurrences(of: "{kind: nsga2, population: 4}", with: "{kind: random}")
    }

    @Test func aNodeDiesAndNothingIsLost() throws {
        guard let cluster = try Cluster() else { return }
        let folder = try Folder()
        let study = folder.path("study")
        let file = try folder.write("e.yaml", Self.experiment(steps: 150, trials: 30))
        let run = try Program.Run(["search", file, "--out", study], environment: cluster.environment)
        try waitUntil("six trials are complete, and others run") {
            guard run.process.isRunning else { return true }
            let rows = (try? StudyReader(directory: study).trials()) ?? []
            return rows.count { $0.state == .complete } >= 6 && rows.contains { $0.state == .running }
        }
        try cluster.kill(node: "n2")
        let result = try run.finish()
        #expect(result.status == 0, "\(result.errors)")
        let reader = try StudyReader(directory: study)
        let rows = try reader.trials()
        let failures = try reader.records().compactMap { if case .attemptFailed(_, _, let it) = $0.fact { it.reason } else { nil } }
        print("30 trials through Slurm, one of two nodes killed: \(failures.count) attempts lost: \(Set(failures).sorted())")
        #expect(rows.count == 30 && rows.allSatisfy { $0.state == .complete }, "\(rows.map(\.state)): \(failures)")
        #expect(!failures.isEmpty, "the node's death cost nothing: nothing ran there")
        let reached = try reader.records().compactMap { if case .reached(let trial, _, _, _, _, _) = $0.fact { trial } else { nil } }
        #expect(reached.sorted() == Array(0..<30), "each result once")
        let keys = try reader.measurements().map { "\($0.measurement.trial) \($0.measurement.point) \($0.measurement.metric) \($0.measurement.resource)" }
        #expect(Set(keys).count == keys.count, "a measurement stands twice")
        try waitUntil("nothing of it runs on the cluster") { try squeue(cluster).isEmpty }
    }

    /// A limit's kill reaches a stopped task behind srun; so does the death of the controller.
    @Test func killsReachTheTask() throws {
        guard let cluster = try Cluster() else { return }
        let folder = try Folder()
        let text = Self.experiment(steps: 100_000, trials: 1).replacingOccurrences(of: "retries: 5", with: "retries: 5, stall-seconds: 3")
        let study = folder.path("study")
        let run = try Program.Run(["search", folder.write("e.yaml", text), "--out", study, "--workers", "1"], environment: cluster.environment)
        var tasks: [Int32] = []
        try waitUntil("a task trains") {
            tasks = Self.tasks(cluster)
            return !run.process.isRunning || (!tasks.isEmpty && FileManager.default.fileExists(atPath: study + "/trials/0/checkpoint.h5"))
        }
        for task in tasks { kill(task, SIGSTOP) }
        try waitUntil("the stopped task is gone") { tasks.allSatisfy { kill($0, 0) != 0 } }
        // The trial goes on from its checkpoint as another task, until Ctrl-C.
        try waitUntil("the attempt has failed, and another trains") {
            let facts = try StudyReader(directory: study).records().map(\.fact)
            let failed = facts.contains { if case .attemptFailed(_, _, let it) = $0 { it.reason.contains("stall-seconds") } else { false } }
            return !run.process.isRunning || (failed && !Self.tasks(cluster).isEmpty)
        }
        run.process.interrupt()
        let result = try run.finish()
        #expect(result.status == 1 && result.errors.contains("halcyon resume"), "\(result.errors)")
        try waitUntil("its job is gone") { try squeue(cluster).isEmpty }

        let other = folder.path("other")
        let second = try Program.Run(["search", folder.path("e.yaml"), "--out", other, "--workers", "1"], environment: cluster.environment)
        try waitUntil("a task trains") {
            tasks = Self.tasks(cluster)
            return !second.process.isRunning || (!tasks.isEmpty && FileManager.default.fileExists(atPath: other + "/trials/0/checkpoint.h5"))
        }
        kill(second.process.processIdentifier, SIGKILL)
        _ = try second.finish()
        try waitUntil("the orphan behind srun ends by itself") { tasks.allSatisfy { kill($0, 0) != 0 } }
        try waitUntil("its job is gone") { try squeue(cluster).isEmpty }
    }

    private func squeue(_ cluster: Cluster) throws -> String {
        try Program.tool(["env", "SLURM_CONF=\(cluster.path)/slurm.conf", "squeue", "-h"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The workers that run as tasks of the cluster.
    private static func tasks(_ cluster: Cluster) -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { entry in
            guard let pid = Int32(entry), let environment = FileManager.default.contents(atPath: "/proc/\(entry)/environ"),
                environment.range(of: Data("SLURM_CONF=\(cluster.path)/".utf8)) != nil, environment.range(of: Data("SLURM_PROCID=".utf8)) != nil,
                let command = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline"), command.range(of: Data("worker".utf8)) != nil
            else { return nil }
            return pid
        }
    }
}

private let slurmIsWanted = ["HALCYON_SLURM_TESTS", "HALCYON_LONG_TESTS"].contains { ProcessInfo.processInfo.environment[$0] == "1" }
