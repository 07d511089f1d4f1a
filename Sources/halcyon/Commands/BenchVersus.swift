import ArgumentParser
import Documents
import Foundation
import Networks
import Reporting

extension BenchCommand {
    struct Versus: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Training steps or inferences of ours and of other programs in turn, as a table of ratios.",
            discussion: """
                Every round measures each network once with `halcyon bench step` (or infer), started anew, and once with the \
                peers' script; who goes first changes from round to round. The ratio is the median of our speed over the best of \
                the medians of the peer's modes: above 1 we are faster. A compiled mode whose first step took more than \
                \(Int(costlySeconds)) s is measured in the first round only, unless --modes names it.

                A folder of peers holds scripts that print one JSON object a line for each network (other lines do not count):
                  train_step.py --models NAME --modes MODE,... --threads N --batch N --size N --seconds S
                    {"model": NAME, "mode": MODE, "patches_per_s": X, "first_step_s": X}
                    modes for f32: channels_last,compile; for bf16: bf16,compile_bf16
                  infer.py --models NAME --threads N --size N --seconds S                        (one image)
                    {"model": NAME, "engine": ENGINE, "ms": X}
                    engines for f32: onnxruntime, openvino_f32; for bf16: openvino_bf16
                Experiments/step-speed is such a folder, with PyTorch, ONNX Runtime and OpenVINO.

                EXAMPLES
                  halcyon bench versus --peers Experiments/step-speed
                  halcyon bench versus --peers Experiments/step-speed --networks dncnn8x32 --modes channels_last --rounds 5
                  halcyon bench versus --peers Experiments/step-speed --infer --python venv/bin/python --json
                """)

        enum Precision: String, CaseIterable, ExpressibleByArgument { case f32, bf16 }

        static let costlySeconds = 15.0
        static let usualNetworks = "dncnn17x64,dncnn8x32,unetpp4x32,unetpp3x16,mobile8x32,swin2x4x48"

        @Option(help: ArgumentHelp("The folder with the peers' scripts.", valueName: "DIR")) var peers: String
        @Option(help: ArgumentHelp("Reference networks, with commas between.", valueName: "NAME,...")) var networks = usualNetworks
        @Option(help: ArgumentHelp("Where NAME.yaml is.", valueName: "DIR")) var references = "SearchSpaces/references"
        @Option(help: ArgumentHelp("The peer's modes or engines (default: those of the precision).", valueName: "MODE,..."))
        var modes: String?
        @Option(help: "f32, bf16.") var precision = Precision.f32
        @Option(help: "Times that each is measured.") var rounds = 3
        @Option(help: "Threads of each program.") var threads = 1
        @Option(help: "Patches a step (default: 16; inferences take one image).") var batch: Int?
        @Option(help: "Side of the square patches or image (default: 48, with --infer 256).") var size: Int?
        @Option(help: "At least so many seconds for a measurement.") var seconds = 4.0
        @Flag(help: "Inferences instead of training steps.") var infer = false
        @Option(help: ArgumentHelp("The Python that runs the scripts.", valueName: "PATH")) var python = "python3"
        @Flag(help: "One JSON object a network, then one of the mean.") var json = false

        func validate() throws {
            guard (1...1000).contains(rounds) else { throw ValidationError("--rounds: expected 1 to 1000, found \(rounds)") }
            guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
            guard seconds >= 0, seconds <= 3600 else { throw ValidationError("--seconds: expected 0 to 3600, found \(seconds)") }
            guard batch == nil || !infer else { throw ValidationError("--batch: not with --infer, which takes one image") }
            if let batch, batch < 1 { throw ValidationError("--batch: expected at least 1, found \(batch)") }
            if let size, size < 1 { throw ValidationError("--size: expected at least 1, found \(size)") }
            if words(networks).isEmpty { throw ValidationError("--networks: expected names with commas between") }
            if let modes, words(modes).isEmpty { throw ValidationError("--modes: expected names with commas between") }
        }

        private func words(_ list: String) -> [String] {
            list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }

        func run() throws {
            let scripts = PeerScripts(
                folder: peers, python: python, infer: infer, precision: precision.rawValue, threads: threads,
                batch: infer ? 1 : batch ?? 16, size: size ?? (infer ? 256 : 48), seconds: seconds)
            try scripts.check()
            let names = words(networks)
            for name in names { _ = try Architecture.load(try file(name)) }
            let modes = modes.map(words) ?? scripts.usualModes
            let interrupts = InterruptCounter()
            let comparisons = try measure(scripts, names, modes, stopped: { interrupts.count > 0 })
            Terminal.clearLine()
            report(comparisons.filter(\.isComplete), scripts, modes)
            if interrupts.count > 0 {
                Terminal.note("stopped before all rounds were done")
                throw ExitCode(1)
            }
        }

        /// The architecture's file.
        private func file(_ name: String) throws -> String {
            let path = "\(references)/\(name).yaml"
            if FileManager.default.fileExists(atPath: path) { return path }
            let known = ((try? FileManager.default.contentsOfDirectory(atPath: references)) ?? [])
                .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
            guard !known.isEmpty else {
                throw InputError(file: references, "holds no architectures", hint: "--references names the folder of \(name).yaml")
            }
            let near = nearestWord(to: name, in: known).map { "did you mean \($0)?" }
            throw InputError(file: path, "there is no such network", hint: near ?? "known: \(known.joined(separator: ", "))")
        }

        private func measure(
            _ scripts: PeerScripts, _ names: [String], _ modes: [String], stopped: () -> Bool
        ) throws -> [PeerComparison] {
            var comparisons = names.map { PeerComparison(network: $0, isTime: infer) }
            var progress = WorkProgress("measurements")
            let total = 2 * rounds * names.count
            var done = 0
            progress.tell(0, of: total)
            for round in 0..<rounds {
                for index in comparisons.indices {
                    // The peers first in the first round: what is wrong with their folder shows at once.
                    for isOurs in round.isMultiple(of: 2) ? [false, true] : [true, false] {
                        if stopped() { return comparisons }
                        let name = comparisons[index].network
                        let again = modes.filter { mode in
                            round == 0 || self.modes != nil || (comparisons[index].firstStep(of: mode) ?? 0) <= Self.costlySeconds
                        }
                        func poll() -> Bool {
                            progress.tell(done, of: total, "\(name): \(isOurs ? "halcyon" : again.joined(separator: ", "))")
                            return stopped()
                        }
                        if isOurs {
                            guard let found = try scripts.ours(try file(name), shouldStop: poll) else { return comparisons }
                            comparisons[index].ours.append(found)
                        } else if !again.isEmpty {
                            guard let found = try scripts.peer(name, modes: again, shouldStop: poll) else { return comparisons }
                            comparisons[index].peers += found
                        }
                        done += 1
                        progress.tell(done, of: total, "\(name): \(isOurs ? "halcyon" : again.joined(separator: ", "))")
                    }
                }
            }
            return comparisons
        }

        private func report(_ comparisons: [PeerComparison], _ scripts: PeerScripts, _ modes: [String]) {
            let mean = PeerComparison.geometricMean(comparisons)
            let setting: [(String, Document)] = [
                ("mode", .string(infer ? "inference" : "step")), ("precision", .string(precision.rawValue)), ("threads", .int(threads)),
                ("batch", .int(scripts.batch)), ("size", .int(scripts.size)), ("rounds", .int(rounds)),
            ]
            if json {
                for row in comparisons { print(row.document(setting, modes: modes).json) }
                if let mean {
                    print(Document.object([("kind", "geometric-mean")] + setting + [("networks", .int(comparisons.count)), ("ratio", .float(mean))]).json)
                }
                return
            }
            guard let mean else { return }
            func seconds(_ value: Double?) -> String { value.map { decimal($0, 2) } ?? "-" }
            let unit = infer ? "ms" : "patches/s"
            let header = ["network", "halcyon \(unit)"] + modes + ["ratio"] + (infer ? [] : ["start-up s", "peer's first step s"])
            let rows = comparisons.map { row in
                [row.network, decimal(row.value, 2)] + modes.map { row.value(of: $0).map { decimal($0, 2) } ?? "-" }
                    + [decimal(row.ratio ?? 0, 2)]
                    + (infer ? [] : [seconds(row.startUp), seconds(row.best.flatMap { row.firstStep(of: $0.mode) })])
            }
            let last = ["geometric mean", ""] + modes.map { _ in "" } + [decimal(mean, 2)] + (infer ? [] : ["", ""])
            print(
                "\(infer ? "inference of one image" : "training step, batch \(scripts.batch)") of \(scripts.size)x\(scripts.size), "
                    + "\(precision.rawValue), \(threads) thread\(threads == 1 ? "" : "s"), medians of \(rounds) round\(rounds == 1 ? "" : "s")")
            print(TextTable(header, rows + [last], leftAligned: [0]).text)
        }
    }
}
