import ArgumentParser
import Documents
import Evaluation
import Execution
import Foundation
import Search
import SearchSpaces
import Synchronization
import Training
import TrialStore
import Trials

extension BenchCommand {
    /// What the study itself costs: a search whose trials train nothing.
    struct StudyOverhead: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "study", abstract: "Times the controller: a search whose trials train nothing, every event durable.",
            discussion: """
                Networks are really sampled, built and inspected, and every event really lands in DIR/study.sqlite; only the training
                is a formula. With --out the study stays, and goes on when it is there already: `--trials` is its total. From a result to
                the next attempt the controller thinks: mean and 99th percentile are told without the building of networks.

                EXAMPLES
                  halcyon bench study --trials 10000 --json
                  halcyon bench study --trials 10000 --durability full
                  halcyon bench study --trials 1000 --space SearchSpaces/mixed.yaml --strategy auto
                  halcyon bench study --trials 1000000 --no-folders --no-networks --out runs/million && time halcyon pareto runs/million
                """)

        @Option(help: "Total number of trials.") var trials = 10_000
        @Option(help: ArgumentHelp("Another space than a small one of chains.", valueName: "SPACE.yaml")) var space: String?
        @Option(help: ArgumentHelp("Another strategy than random.", valueName: "KIND")) var strategy: String?
        @Option(help: "What a commit survives: \(StudyStore.Durability.allCases.map(\.rawValue).joined(separator: " (the process's end), ")) (a power cut).")
        var durability = StudyStore.Durability.normal
        @Option(help: ArgumentHelp("The study's folder; without it a temporary one.", valueName: "DIR")) var out: String?
        @Flag(inversion: .prefixedNo, help: "A folder for each trial, as in a search.") var folders = true
        @Flag(inversion: .prefixedNo, help: "Networks are built and their costs counted; without, candidates are told apart by their text alone.")
        var networks = true
        @Flag(help: "One JSON object.") var json = false

        func validate() throws {
            guard StudySettings.Budget.trialsRange.contains(trials) else { throw ValidationError("--trials: expected at least 1, found \(trials)") }
            let kinds = strategyCatalogue.map { $0.kind }
            if let strategy, !kinds.contains(strategy) {
                throw ValidationError("--strategy: expected one of \(kinds.joined(separator: ", ")), found \(strategy)")
            }
        }

        func run() throws {
            let directory = URL(fileURLWithPath: out ?? NSTemporaryDirectory() + "halcyon-bench-\(getpid())").standardizedFileURL.path
            try makeFolder(directory)
            defer { if out == nil { try? FileManager.default.removeItem(atPath: directory) } }
            let lock = try StudyLock(directory: directory)
            defer { withExtendedLifetime(lock) {} }
            try replaceFile(directory + "/experiment.yaml", with: Array(Self.experiment(trials: trials).utf8))
            var experiment = try ResolvedExperiment(study: directory)
            if let space { experiment.document["space"] = try SearchSpace.load(space).document }
            if let strategy { experiment.document["strategy"] = ["kind": .string(strategy)] }
            try experiment.write(to: directory + "/experiment.yaml")
            let inspector = TimedInspector(networks ? NetworkInspector(experiment: try experiment.training()) : DocumentInspector())
            let beforeOpening = steadyNow()
            let store = try StudyStore(directory: directory, durability: durability)
            let restored = try StudyRestoration(experiment.study(in: directory, inspector: inspector), log: store)
            let before = restored.study.trials.count
            let (begin, processor) = (steadyNow(), Self.processorSeconds)
            let executor = SimulatedExecutor(slots: 1, evaluator: Untrained(inspector: inspector), duration: { _ in 0 })
            let controller = Controller(
                consume restored, log: store, executor: executor, clock: executor.clock,
                folder: folders ? StudyFolder(path: directory) : nil)
            let outcome = try controller.run()
            let seconds = steadyNow() - begin
            if let failure = outcome.storageFailure { throw StorageFailure(file: directory, failure) }
            let done = controller.study.trials.count - before
            try store.close()
            func perTrial(_ seconds: Double) -> Double { done > 0 ? seconds * 1000 / Double(done) : 0 }
            let (study, networks) = (perTrial(seconds - inspector.seconds), perTrial(inspector.seconds))
            let thinking = inspector.apart(executor.thinkingSeconds).sorted()
            let slowest = thinking.isEmpty ? 0 : thinking[min(thinking.count - 1, thinking.count * 99 / 100)] * 1000
            let studyProcessor = perTrial(Self.processorSeconds - processor - inspector.processorSeconds)
            let fields: [(String, Document)] = [
                ("trials", .int(controller.study.trials.count)), ("new_trials", .int(done)), ("durability", .string(durability.rawValue)),
                ("restore_seconds", .float(begin - beforeOpening)), ("seconds", .float(seconds)),
                ("study_ms_per_trial", .float(study)), ("network_ms_per_trial", .float(networks)),
                ("thinking_mean_ms", .float(perTrial(thinking.reduce(0, +)))), ("thinking_p99_ms", .float(slowest)),
                ("study_cpu_ms_per_trial", .float(studyProcessor)), ("network_cpu_ms_per_trial", .float(perTrial(inspector.processorSeconds))),
                ("peak_bytes", .int(Self.peakBytes)),
            ]
            print(
                json
                    ? Document.object(fields).json
                    : """
                    \(done) trials in \(String(format: "%.2f", seconds)) s: \(String(format: "%.3f", study)) ms a trial for the study, \
                    \(String(format: "%.3f", networks)) ms for building its network and counting its cost; 99 % think for less than \(String(format: "%.3f", slowest)) ms; synchronous \(durability.rawValue); \(before) restored in \(String(format: "%.2f", begin - beforeOpening)) s; \
                    \(Self.peakBytes / 1_000_000) MB
                    """)
        }

        private static var usage: rusage {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage
        }

        /// The largest resident memory of this process so far.
        private static var peakBytes: Int { usage.ru_maxrss * 1024 }

        /// What the processor spent on this process, in it and in the kernel for it.
        private static var processorSeconds: Double {
            let usage = usage
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
        }

        /// Tells how long the inspection of networks took, which is not the study's own cost.
        private final class TimedInspector: CandidateInspector {
            private let inner: any CandidateInspector
            private let spent = Mutex((elapsed: 0.0, processor: 0.0))
            private let marks = Mutex<[Double]>([])
            var seconds: Double { spent.withLock { $0.elapsed } }
            var processorSeconds: Double { spent.withLock { $0.processor } }

            init(_ inner: any CandidateInspector) { self.inner = inner }

            /// An attempt starts: what was spent before is its own.
            func mark() {
                let seconds = seconds
                marks.withLock { $0.append(seconds) }
            }

            /// The times of all attempts without what was spent here.
            func apart(_ times: [Double]) -> [Double] {
                let marks = marks.withLock { $0 }
                return zip(times, zip(marks, [0] + marks)).map { $0 - ($1.0 - $1.1) }
            }

            func inspect(_ candidate: Document) throws -> CandidateInspection {
                let begin = (steadyNow(), Self.threadSeconds)
                defer {
                    spent.withLock { spent in
                        spent.elapsed += steadyNow() - begin.0
                        spent.processor += Self.threadSeconds - begin.1
                    }
                }
                return try inner.inspect(candidate)
            }

            private static var threadSeconds: Double {
                var time = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
            }
        }

        /// Small networks with a learning rate of their own, so that there are as many candidates as one likes.
        static func experiment(trials: Int) -> String {
            """
            halcyon: 1
            name: overhead
            space:
              halcyon: 1
              name: overhead
              template:
                halcyon: 1
                network:
                  predicts: noise
                  skeleton:
                    kind: chain
                    width: {int: [4, 32], step: 4}
                    blocks: {repeat: {choice: [{block: plain}, {block: residual}]}, count: {int: [1, 4]}, positions: tied}
                training:
                  learning-rate: {float: [1.0e-4, 1.0e-2], scale: log}
            data:
              train: {kind: dead-leaves, images: 4, size: 32, crop: 16}
              validation: {kind: dead-leaves, images: 1, size: 32, sigmas: [25]}
            noise: {kind: gaussian, sigma: 25}
            recipe: {loss: l1, learning-rate: 1.0e-3, batch: 2, steps: 10}
            latency: {size: 16x16}
            objectives: [{metric: psnr_db, direction: maximize, reference: 15}, {metric: latency_ms, direction: minimize, reference: 1000}]
            strategy: {kind: random}
            keep: none
            budget: {trials: \(trials)}
            seed: 1
            workers: 1
            """
        }

        /// A formula in the place of a training: one measurement and one checkpoint on the way, then a result.
        private struct Untrained: TrialEvaluator {
            let inspector: TimedInspector

            func evaluate(_ request: TrialRequest, report: (WorkerEvent) throws -> Void, shouldStop: () -> Bool) throws {
                inspector.mark()
                let (trial, attempt) = (request.trial, request.attempt)
                let luck = Double(request.seed % 10_007) / 10_007
                try report(.measurement(.init(trial: trial, attempt: attempt, metric: "loss", resource: 5, value: 1 - luck / 2)))
                try report(.checkpoint(trial: trial, attempt: attempt, resource: 5, path: request.folder + "/checkpoint.h5"))
                let point = Point(metrics: [
                    "psnr_db": 25 + 5 * luck, "ssim": 0.7 + 0.2 * luck, "latency_ms": 1 + Double(request.seed % 9_973) / 100,
                    "latency_mad_ms": 0.1,
                ])
                try report(.result(trial: trial, attempt: attempt, resource: request.resource, points: [point]))
            }
        }
    }
}

extension StudyStore.Durability: ExpressibleByArgument {}
