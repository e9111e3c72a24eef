using System.Security.Cryptography;
using System.Text;

namespace Watari.Hypervisor;

/// <summary>
/// Booted guests, saved, so that a VM can start where its boot would end: made at the first use and kept in
/// ${WATARI_CACHE}/saved-state under a key of all that they depend on. Where there are too many, those go that
/// were not used for the longest time.
/// </summary>
/// <param name="directory">Another directory for them.</param>
/// <param name="most">So many are kept; one takes some 200 MB. More, where they are in use.</param>
public sealed class SavedStateCache(string? directory = null, int most = 120)
{
    /// <summary>A VM that starts from a state reads it for seconds.</summary>
    private static readonly TimeSpan s_inUse = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan s_boot = TimeSpan.FromMinutes(3);
    private readonly string _directory = directory ?? Path.Combine(WatariDirectories.Cache, "saved-state");

    /// <summary>
    /// The saved state of such a guest; its name does not matter. When there is none, one is booted, made ready by <paramref name="prepare"/>, saved
    /// and stopped; whoever asks meanwhile, in any process, waits for that.
    /// </summary>
    /// <param name="spec">What to boot.</param>
    /// <param name="recipe">Names what <paramref name="prepare"/> does: another recipe is another state.</param>
    /// <param name="prepare">Runs when the guest is up, before it is saved.</param>
    /// <param name="cancellation">Gives up; an unfinished state is removed.</param>
    public async Task<SavedState> GetAsync(
        VmSpec spec, string recipe, Func<VmDirectory, CancellationToken, Task> prepare, CancellationToken cancellation = default)
    {
        string path = Path.Combine(_directory, await KeyAsync(spec, recipe, cancellation));
        if (TryUse(path) is { } cached) return cached;
        Directory.CreateDirectory(_directory);
        using FileLock ours = await FileLock.AcquireAsync(path + ".lock");
        if (TryUse(path) is { } madeMeanwhile) return madeMeanwhile;
        RemoveOrphans();
        RemoveUnused();
        return await CreateAsync(spec, path, prepare, cancellation);
    }

    private static SavedState? TryUse(string path)
    {
        SavedState? state = SavedState.TryOpen(path);
        if (state is not null) Directory.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        return state;
    }

    /// <summary>States whose image is gone can never be started again.</summary>
    private void RemoveOrphans()
    {
        foreach (string path in Directory.EnumerateDirectories(_directory))
        {
            if (SavedState.TryOpen(path) is { } state && !Directory.Exists(state.Spec.Image)) state.Delete();
        }
    }

    /// <summary>Makes room for one more.</summary>
    internal void RemoveUnused()
    {
        DateTime used = DateTime.UtcNow - s_inUse;
        foreach (DirectoryInfo old in new DirectoryInfo(_directory).EnumerateDirectories().OrderByDescending(state => state.LastWriteTimeUtc).Skip(most - 1).Where(state => state.LastWriteTimeUtc < used))
            SavedState.TryOpen(old.FullName)?.Delete();
    }

    /// <summary>Everything that a state depends on: QEMU, its arguments, the processor that KVM passes on, the image, and what was done to the guest.</summary>
    private static async Task<string> KeyAsync(VmSpec spec, string recipe, CancellationToken cancellation)
    {
        var image = GuestImage.Open(spec.Image);
        var disk = new FileInfo(image.Disk);
        string key = string.Join('\n',
        [
            await Tool.RunAsync(QemuCommandLine.Program, ["--version"], VmLauncher.QemuPackages, TimeSpan.FromSeconds(10), cancellation),
            .. QemuCommandLine.Build(spec with { Name = "saved" }, image, new VmDirectory("/"), incoming: false),
            spec.Accelerator == Accelerator.Kvm ? Accelerators.HostCpuFlags : "",
            $"{disk.Length} {disk.LastWriteTimeUtc.Ticks}",
            recipe,
        ]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 8));
    }

    private static async Task<SavedState> CreateAsync(VmSpec spec, string path, Func<VmDirectory, CancellationToken, Task> prepare, CancellationToken cancellation)
    {
        DirectoryInfo run = Directory.CreateTempSubdirectory("watari-");
        var launcher = new VmLauncher("saved", run.FullName);
        try
        {
            VmDirectory vm = await launcher.StartAsync(spec, cancellation);
            try
            {
                await launcher.WaitReadyAsync(spec.Name, s_boot, cancellation);
                await prepare(vm, cancellation);
                return await SavedState.SaveAsync(vm, path, cancellation);
            }
            finally
            {
                await launcher.StopAsync(spec.Name, cancellation: CancellationToken.None);
            }
        }
        finally
        {
            run.Delete(recursive: true);
        }
    }
}
