import Dispatch
import Execution
import Foundation

/// Counts Ctrl-C, SIGTERM and SIGHUP instead of dying of them: once means finish and save, twice means at once.
final class InterruptCounter {
    let stopSwitch = StopSwitch()
    private var sources: [any DispatchSourceSignal] = []

    var count: Int { stopSwitch.count }

    init(onFirst: @escaping @Sendable () -> Void = {}) {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [stopSwitch] in
                stopSwitch.press()
                if stopSwitch.count == 1 { onFirst() }
            }
            source.resume()
            sources.append(source)
        }
    }
}
