using System.Text.Json.Serialization;

namespace Watari.Hypervisor;

// The commands that Watari uses, with the shapes of QEMU's qapi/*.json. Members that QEMU may leave out are nullable.

internal sealed record HumanMonitorCommand(string CommandLine);

internal sealed record QomGet(string Path, string Property);

internal sealed record MigrationCapability(string Capability, bool State);

internal sealed record MigrateSetCapabilities(MigrationCapability[] Capabilities);

internal sealed record MigrateUri(string Uri);

internal sealed record MigrationInfo(string? Status, [property: JsonPropertyName("error-desc")] string? ErrorDescription);

internal sealed record StatusInfo(string Status, bool Running);

internal sealed record NameInfo(string? Name);

internal sealed record KvmInfo(bool Enabled, bool Present);

internal sealed record MemoryBackendInfo(string? Id, long Size, bool Share);

internal sealed record CpuInfoFast(int CpuIndex, string QomPath, int ThreadId);

internal sealed record CpuFeatureWord(
    [property: JsonPropertyName("cpuid-input-eax")] uint InputEax,
    [property: JsonPropertyName("cpuid-input-ecx")] uint? InputEcx,
    [property: JsonPropertyName("cpuid-register")] string Register,
    uint Features);

internal sealed record BlockImage(long VirtualSize);

internal sealed record BlockDeviceInfo(string? NodeName, string Drv, string File, BlockImage Image);

internal sealed record BlockInfo(string Device, string? Qdev, BlockDeviceInfo? Inserted);

internal sealed record NbdSocketPath(string Path);

internal sealed record NbdServerAddress(string Type, NbdSocketPath Data);

internal sealed record NbdServerStart(NbdServerAddress Addr);

internal sealed record BlockExportAdd(string Type, string Id, string NodeName, string Name, bool Writable);

internal sealed record BlockExportInfo(string Id, string Type);

/// <summary>Typed names for the commands that more than one place sends.</summary>
public static class QmpCommands
{
    /// <summary>A command of the human monitor, for what QMP does not offer. Its text is QEMU's to change: parse it with care.</summary>
    public static Task<string> HumanAsync(this QmpClient qmp, string line, CancellationToken cancellation = default) =>
        qmp.ExecuteAsync<string>("human-monitor-command", new HumanMonitorCommand(line), cancellation: cancellation);

    internal static Task<TResult> QomGetAsync<TResult>(this QmpClient qmp, string path, string property, CancellationToken cancellation = default) =>
        qmp.ExecuteAsync<TResult>("qom-get", new QomGet(path, property), cancellation: cancellation);

    internal static Task SetMigrationCapabilityAsync(this QmpClient qmp, string capability, CancellationToken cancellation = default) =>
        qmp.ExecuteAsync("migrate-set-capabilities", new MigrateSetCapabilities([new(capability, true)]), cancellation: cancellation);
}
