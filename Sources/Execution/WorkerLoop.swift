import Documents
import Foundation
import Trials

/// The worker's side of the wire: requests from stdin, messages to stdout, evaluation on a thread of its own.
///
/// A heartbeat goes out every second from another thread, so that a busy evaluator is not taken for a dead one.
package final class WorkerLoop: Sendable {
    private struct Status {
        var current: (trial: Int, attempt: Int)?
        var step = 0
        var totalSteps = 0
        var phase = WorkerEvent.Phase.training
        var stop = false
    }

    private let evaluator: any TrialEvaluator
    private let environment: Document
    private let capabilities: [String]
    private let output: Shared<Int32>
    private let status = Shared(Status())
    private let requests = Mailbox<TrialRequest>()

    /// `output` is the descriptor that messages go to.
    package init(evaluator: any TrialEvaluator, environment: Document, capabilities: [String] = [], output: Int32) {
        self.evaluator = evaluator
        self.environment = environment
        self.capabilities = capabilities
        self.output = Shared(output)
    }

    /// Serves the controller on stdin and stdout until stdin ends, then ends the process at once: a worker whose
    /// controller is gone has nothing to do. Libraries print to fd 1, so messages get a private copy and fd 1 becomes fd 2.
    package static func serveStandardStreams(
        evaluator: any TrialEvaluator, environment: Document, capabilities: [String] = []
    ) -> Never {
        signal(SIGPIPE, SIG_IGN)
        let messages = fcntl(1, F_DUPFD_CLOEXEC, 3)
        guard messages >= 0, dup2(2, 1) >= 0 else { _exit(1) }
        let loop = WorkerLoop(
            evaluator: evaluator, environment: environment, capabilities: capabilities, output: messages)
        do {
            try loop.serve(input: 0)
            _exit(0)
        } catch {
            writeToStandardError("halcyon worker: \(error)\n")
            _exit(error is InputError ? 2 : 1)
        }
    }

    /// Serves until the input ends. Throws `InputError` for a line that is no request.
    package func serve(input: Int32) throws {
        try send(.hello(.init(pid: Int(getpid()), capabilities: capabilities, environment: environment)))
        spawnThread("evaluation", stackSize: 64 << 20) { [self] in
            while true {
                if let request = requests.take(before: .infinity) { evaluate(request) }
            }
        }
        spawnThread("heartbeat") { [self] in
            while true {
                Thread.sleep(forTimeInterval: 1)
                heartbeat()
            }
        }
        var lines = LineReader(descriptor: input)
        var number = 0
        while let line = try lines.next() {
            number += 1
            failpoint(.workerReceives)
            switch try WireCommand(line: line, number: number) {
            case .stop: status.update { $0.stop = true }
            case .train(let request):
                status.update {
                    $0 = Status(
                        current: (request.trial, request.attempt), step: request.previousResource, totalSteps: request.resource)
                }
                requests.put(request)
            }
        }
    }

    private func evaluate(_ request: TrialRequest) {
        do {
            try runAttempt(
                request, with: evaluator, emit: { try self.emit($0) }, shouldStop: { self.status.value.stop })
        } catch {
            _exit(1)  // The controller does not listen any more.
        }
    }

    private func emit(_ event: WorkerEvent) throws {
        if event.endsAttempt { status.update { $0.current = nil } }
        if case .heartbeat(_, _, let step, let totalSteps, let phase) = event {
            // Steps are told every second anyway; a change of phase is told at once.
            let changed = status.update { status in
                defer { (status.step, status.totalSteps, status.phase) = (step, totalSteps, phase) }
                return status.phase != phase
            }
            if !changed { return }
        }
        try send(event)
    }

    private func heartbeat() {
        let now = status.value
        guard let current = now.current else { return }
        do {
            try send(
                .heartbeat(
                    trial: current.trial, attempt: current.attempt, step: now.step, totalSteps: now.totalSteps, phase: now.phase))
        } catch {
            _exit(1)  // The controller does not listen any more.
        }
    }

    private func send(_ event: WorkerEvent) throws {
        failpoint(.workerSends)
        try output.update { descriptor in Result { try writeLine(event.line, to: descriptor) } }.get()
    }
}

/// Starts a detached thread; evaluation of deep graphs wants a large stack.
func spawnThread(_ name: String, stackSize: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    thread.stackSize = stackSize
    thread.start()
}
