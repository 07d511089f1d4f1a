import Documents
import Execution
import Foundation
import Reporting

/// What goes to the person at the terminal: complaints, and one live line on standard error.
enum Terminal {
    static func complain(_ text: String) {
        clearLine()
        writeToStandardError("halcyon: " + text + "\n")
    }

    static var isInteractive: Bool { isatty(2) == 1 }

    static var width: Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20 ? Int(size.ws_col) : 100
    }

    /// Overwrites the live line; nothing where standard error is no terminal.
    static func live(_ text: String) {
        guard isInteractive else { return }
        writeToStandardError("\r\u{1B}[K\(text.prefix(width - 1))")
    }

    static func clearLine() {
        if isInteractive { writeToStandardError("\r\u{1B}[K") }
    }

    /// A line on standard error that stays.
    static func note(_ text: String) {
        clearLine()
        writeToStandardError(text + "\n")
    }
}

/// A live line for work with a known number of parts; where there is no terminal, a line every 30 seconds.
struct WorkProgress {
    private let label: String
    private let began = steadyNow()
    private var lastLine = -1.0
    private var lastNote = 0.0

    init(_ label: String) { self.label = label }

    mutating func tell(_ done: Int, of total: Int, _ extra: String = "") {
        let elapsed = steadyNow() - began
        guard elapsed - lastLine >= 0.2 || done == total else { return }
        lastLine = elapsed
        var text = "\(label) \(done)/\(total)"
        if !extra.isEmpty { text += ", \(extra)" }
        if done > 0, done < total, elapsed > 1 { text += ", \(Duration.seconds(elapsed / Double(done) * Double(total - done)).words) left" }
        if Terminal.isInteractive {
            Terminal.live(text)
        } else if elapsed - lastNote >= 30 {
            lastNote = elapsed
            Terminal.note(text)
        }
    }
}

func steadyNow() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
