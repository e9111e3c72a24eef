namespace Watari.Containers.Logs.Journal;

/// <summary>Who has put a container's output into the journal, and what its own command for logs makes of it.</summary>
/// <param name="By">A datum that entries must have, which the journal itself sets; null: whoever writes the container's id into the journal is believed.</param>
/// <param name="CountsLines">Lines are counted, not the pieces of long ones.</param>
internal sealed record JournalWriter(byte[]? By, bool CountsLines)
{
    /// <summary>Of dockerd (moby daemon/logger/journald).</summary>
    internal static JournalWriter Docker { get; } = new(null, CountsLines: false);

    /// <summary>Of conmon (src/ctr_logging.c), read by podman (libpod/container_log_linux.go).</summary>
    internal static JournalWriter Podman { get; } = new([.. "_UID=0"u8], CountsLines: true);
}
