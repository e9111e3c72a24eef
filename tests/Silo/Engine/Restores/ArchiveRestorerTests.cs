using System.Diagnostics;
using System.Text;
using Watari.Checkpoint.Archives;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Restores;
using ManagedContainer = Watari.GuestAgent.Protocol.ManagedContainer;

namespace Watari.Silo.Tests.Engine.Restores;

public sealed class ArchiveRestorerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-archives-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_archive_without_its_volumes_is_restored_where_that_is_asked_for_alone()
    {
        string path = Write("data");
        CheckpointArchive archive = Read(path);

        EngineException refused = Assert.Throws<EngineException>(() => ArchiveRestorer.Accept(archive, 4096, new ArchiveRestore(path)));
        (ManagedContainer container, RestoreArchiveOptions asked) = ArchiveRestorer.Accept(archive, 4096, new ArchiveRestore(path, IgnoreVolumes: true));

        Assert.Equal(FailureKind.Refused, refused.Kind);
        Assert.Equal($"'{path}' cannot be restored: it is without what is in its volumes (cache); --ignore-volumes restores it with those that the VM has, or with empty ones. Nothing was touched.", refused.Message);
        Assert.True(asked.IgnoreVolumes);
        Assert.Empty(container.Volumes);
    }

    [Fact]
    public void An_archive_with_all_its_volumes_brings_them_unless_they_are_to_be_left_out()
    {
        string path = Write("data", "cache");
        CheckpointArchive archive = Read(path);

        Assert.Equal(["data", "cache"], ArchiveRestorer.Accept(archive, 4096, new ArchiveRestore(path)).Container.Volumes.Select(volume => volume.ToString()));
        Assert.Empty(ArchiveRestorer.Accept(archive, 4096, new ArchiveRestore(path, IgnoreVolumes: true)).Container.Volumes);
    }

    [Fact]
    public async Task What_is_no_regular_file_is_refused_at_once()
    {
        string fifo = Path.Combine(_folder, "fifo");
        await Process.Start("mkfifo", fifo).WaitForExitAsync(TestContext.Current.CancellationToken);

        foreach (string path in (string[])[fifo, _folder, "/dev/zero"])
        {
            EngineException refused = Assert.Throws<EngineException>(() => Read(path));
            Assert.Equal((FailureKind.Refused, $"'{path}' cannot be read: it is no regular file."), (refused.Kind, refused.Message));
        }

        Assert.Equal(FailureKind.NotFound, Assert.Throws<EngineException>(() => Read(fifo + "/none")).Kind);
    }

    private static CheckpointArchive Read(string path)
    {
        (FileStream file, CheckpointArchive archive) = ArchiveRestorer.Read(path, TestContext.Current.CancellationToken);
        file.Dispose();
        return archive;
    }

    /// <summary>An archive of a container with the volumes data and cache.</summary>
    /// <param name="volumes">Those that are in it.</param>
    private string Write(params string[] volumes)
    {
        string path = Path.Combine(_folder, "web.tar");
        using FileStream file = File.Create(path);
        using var archive = new CheckpointArchiveWriter(file, ArchiveCompression.None, DateTimeOffset.UnixEpoch);
        archive.Add(ArchiveLayout.ConfigDump, Encoding.UTF8.GetBytes("""{"id":"0123456789ab","name":"web","namedVolumes":[{"volumeName":"data"},{"volumeName":"cache"}]}"""));
        archive.Add(ArchiveLayout.SpecDump, Encoding.UTF8.GetBytes("""{"annotations":{"io.container.manager":"libpod"}}"""));
        archive.Add(ArchiveLayout.Inventory, new byte[10]);
        foreach (string volume in volumes) archive.Add(ArchiveLayout.Volume(volume), new byte[1024]);
        return path;
    }
}
