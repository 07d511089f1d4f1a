/// What this program is, as it stands in files and messages.
package enum Release {
    package static let program = "halcyon"
    package static let version = "0.8.0"
}
