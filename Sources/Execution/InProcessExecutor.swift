import Documents
import Foundation
import Trials

/// Runs attempts on threads of this process, for debugging: no limits are kept, and a trap ends the study.
package final class InProcessExecutor: Executor {
    private final class Attempt: Sendable {
        let stop = Shared(false)
    }

    private struct Mail: Sendable {
        var slot: Int
        var attempt: Attempt?
        var event: ExecutorEvent
    }

    package let slots: Int
    private let evaluator: any TrialEvaluator
    private let mailbox = Mailbox<Mail>()
    private var attempts: [Int: Attempt] = [:]

    package init(slots: Int, evaluator: any TrialEvaluator, environment: Document) {
        self.slots = slots
        self.evaluator = evaluator
        for slot in 0..<slots {
            let hello = WorkerEvent.Hello(pid: Int(getpid()), environment: environment)
            mailbox.put(Mail(slot: slot, attempt: nil, event: .message(slot: slot, .hello(hello))))
        }
    }

    package func start(_ request: TrialRequest, slot: Int) {
        let attempt = Attempt()
        attempts[slot] = attempt
        spawnThread("attempt", stackSize: 64 << 20) { [mailbox, evaluator] in
            try? runAttempt(
                request, with: evaluator,
                emit: { mailbox.put(Mail(slot: slot, attempt: attempt, event: .message(slot: slot, $0))) },
                shouldStop: { attempt.stop.value })
        }
    }

    package func stop(slot: Int) { attempts[slot]?.stop.update { $0 = true } }

    /// A thread cannot be killed: it is asked to stop and no longer listened to.
    package func kill(slot: Int) {
        stop(slot: slot)
        attempts[slot] = nil
        mailbox.put(Mail(slot: slot, attempt: nil, event: .ended(slot: slot, AttemptFailure(reason: "killed on request"))))
    }

    package func next(before deadline: Double) -> ExecutorEvent? {
        while let mail = mailbox.take(before: deadline) {
            if mail.attempt == nil || mail.attempt === attempts[mail.slot] { return mail.event }
        }
        return nil
    }

    package func shutdown() {
        for slot in 0..<slots { stop(slot: slot) }
        attempts = [:]
    }
}
