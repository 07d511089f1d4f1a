import Dispatch
import Synchronization

/// Draws a running study's pictures beside its controller, which does not wait for them: of thousands of trials that takes a good part of
/// a second. One drawing at a time; what is asked for meanwhile is left out.
final class BackgroundPictures: Sendable {
    private let isDrawing = Mutex(false)
    private let group = DispatchGroup()

    func draw(_ report: StudyReport) {
        let isFree = isDrawing.withLock { isDrawing in
            defer { isDrawing = true }
            return !isDrawing
        }
        guard isFree else { return }
        DispatchQueue.global(qos: .utility).async(group: group) { [self] in
            try? report.writePictures()
            isDrawing.withLock { $0 = false }
        }
    }

    /// Waits for a drawing under way.
    func wait() { group.wait() }
}
