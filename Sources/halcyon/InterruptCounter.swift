import Dispatch
import Execution
import Foundation

/// Counts Ctrl-C, SIGTERM and SIGHUP instead of dying of them: once means finish and save, twice means at once.
final class InterruptCounter {
    let stopSwitch = StopSwitch()
    private var sources: [any DispatchSourceSignal] = []

    /// Seconds that "at once" may take: where the controller hangs on a disk that does not answer, the process ends all the
    /// same. Nothing is lost by that: it could as well be killed.
    private static let patience = 5.0

    var count: Int { stopSwitch.count }

    init(onFirst: @escaping @Sendable () -> Void = {}) {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [stopSwitch] in
                stopSwitch.press()
                if stopSwitch.count == 1 { onFirst() }
                if stopSwitch.count == 2 {
                    DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { _exit(1) }
                }
            }
            source.resume()
            sources.append(source)
        }
    }
}
