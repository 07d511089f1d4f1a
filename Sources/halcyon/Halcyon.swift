import ArgumentParser
import Documents
import Foundation

/// Neural architecture search for image denoising: the command line.
@main
struct Halcyon: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "halcyon",
        abstract: "Searches for image-denoising networks that are best at every latency, and trains and measures them.",
        discussion: """
            EXAMPLES
              halcyon search Experiments/quickstart/experiment.yaml --out runs/quickstart
              halcyon pareto runs/quickstart
              halcyon denoise runs/quickstart#7 noisy.png clean.png
              halcyon cost SearchSpaces/references/*.yaml

            A MODEL is a model.h5, a .safetensors file with --architecture FILE, or DIR#NUMBER for a trial of a study.
            Exit codes: 0 done, 2 the input is at fault, 1 anything else.
            """,
        version: Release.version,
        subcommands: [
            SearchCommand.self, ResumeCommand.self, ReplayCommand.self, ParetoCommand.self, StudyCommand.self, SpaceCommand.self, CostCommand.self, TrainCommand.self, CurvesCommand.self,
            EvaluateCommand.self, DenoiseCommand.self, NoiseCommand.self, ExportCommand.self, BenchCommand.self, WorkerCommand.self,
        ])

    static func main() {
        _ = processStart
        dropForeignTuning()
        occupyStandardDescriptors()
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as InputError {
            Terminal.complain("\(error)")
            Foundation.exit(2)
        } catch let failure as StorageFailure {
            Terminal.complain("\(failure) (make space there, then run the command again)")
            Foundation.exit(1)
        } catch let error as ExitCode {
            Foundation.exit(error.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code == .success {
                print(fullMessage(for: error))
                Foundation.exit(0)
            }
            // ArgumentParser speaks of its own errors (64: a wrong command line); everything else is ours.
            Terminal.complain(code == .validationFailure ? usageMessage(error) : onOneLine("\(error)"))
            Foundation.exit(code == .validationFailure ? 2 : 1)
        }
    }

    /// Who starts this program may have closed standard input, output or error. A file that is opened next would take their
    /// number, and what is said there would be written into it.
    private static func occupyStandardDescriptors() {
        for descriptor in [0, 1, 2] as [Int32] where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The lowest free number is taken: this one.
            _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
        }
    }

    /// A fault of the command line in one line that ends with where to read on.
    private static func usageMessage(_ error: any Error) -> String {
        let full = fullMessage(for: error)
        let help = full.range(of: "halcyon [a-z ]*--help", options: .regularExpression).map { String(full[$0]) } ?? "halcyon --help"
        let words = message(for: error).split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        return InputError(words.joined(separator: " "), hint: "see `\(help)`").description
    }

    /// OpenBLAS reads OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE when it is loaded, which is when it is first asked for; values left by
    /// somebody else halve its speed. Neither this program nor those that it starts see them.
    private static func dropForeignTuning() {
        if let keep = getenv("HALCYON_KEEP_OPENBLAS"), String(cString: keep) == "1" { return }
        for name in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"] { unsetenv(name) }
    }
}
