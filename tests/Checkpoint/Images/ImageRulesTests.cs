using System.Collections.Immutable;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Images.Proto;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>What CRIU expects of images and does not say.</summary>
public sealed class ImageRulesTests
{
    [Fact]
    public void The_auxiliary_vector_goes_without_its_end_where_CRIU_has_no_room_for_it()
    {
        Assert.Equal(44, AuxvOf(22).Count);
        Assert.Equal([0ul, 0ul], AuxvOf(20).TakeLast(2));
        Assert.Throws<CriuImageException>(() => AuxvOf(23));

        static IReadOnlyList<ulong> AuxvOf(int pairs)
        {
            using var stock = new StockImages("kinds");
            Container container = stock.Parse();
            Process first = container.Processes[0];
            ImmutableArray<AuxiliaryValue> vector = [.. Enumerable.Range(1, pairs).Select(i => new AuxiliaryValue((ulong)i, 1))];
            CriuImageSet set = stock.Build(container with { Processes = [first with { Memory = first.Memory! with { AuxiliaryVector = vector } }, .. container.Processes[1..]] });
            return [.. Only<MmEntry>(set, CriuImageKinds.Mm, 1).MmSavedAuxv];
        }
    }

    [Fact]
    public void Two_signals_that_cannot_be_handled_have_no_handler_in_the_image()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        Assert.All(container.Processes, process => Assert.Equal(64, process.SignalActions.Length));
        Assert.Equal(62, Only<CoreEntry>(stock.Build(container), CriuImageKinds.Core, 1).Tc.Sigactions.Count);
    }

    [Fact]
    public void A_zombie_has_a_core_image_and_nothing_else()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        Process last = container.Processes[^1];
        Process zombie = last with { State = ProcessState.Zombie, ExitCode = 256, FileSystem = null, Memory = null };
        CriuImageSet set = stock.Build(container with { Processes = [.. container.Processes[..^1], zombie] });

        CoreEntry core = Only<CoreEntry>(set, CriuImageKinds.Core, (ulong)zombie.Pid);
        Assert.Equal(256u, core.Tc.ExitCode);
        Assert.Null(core.ThreadInfo);
        Assert.DoesNotContain(CriuImageKinds.Mm.FileName((ulong)zombie.Pid), set.Images.Keys);
        Assert.DoesNotContain(CriuImageKinds.Ids.FileName((ulong)zombie.Pid), set.Images.Keys);
    }

    [Fact]
    public void Clocks_bear_the_number_of_the_time_namespace_that_a_container_got_when_it_was_restored()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        NamespaceSet own = container.Processes[0].Namespaces with { Time = 4711 };
        CriuImageSet set = stock.Build(container with { Processes = [.. container.Processes.Select(process => process with { Namespaces = own })] });

        uint number = Only<TaskKobjIdsEntry>(set, CriuImageKinds.Ids, 1).TimeNsId;
        Assert.NotEqual(Only<TaskKobjIdsEntry>(stock.Build(container), CriuImageKinds.Ids, 1).TimeNsId, number);
        Assert.Contains(CriuImageKinds.Timens.FileName(number), set.Images.Keys);
        Assert.DoesNotContain(CriuImageKinds.Timens.FileName(0), set.Images.Keys);
        Assert.Contains(CriuImageKinds.Timens.FileName(0), stock.Build(container).Images.Keys);
    }

    [Fact]
    public void Two_processes_of_one_number_are_no_image_set()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();

        CriuImageException error = Assert.Throws<CriuImageException>(() => stock.Build(container with { Processes = [.. container.Processes, container.Processes[^1] with { ExitCode = 1 }] }));

        Assert.Contains("twice", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_with_both_ends_in_the_container_is_not_one_that_the_runtime_hands_in()
    {
        Assert.Contains("pipe:[1216]", DescriptorsWith(keepReader: false), StringComparison.Ordinal);
        Assert.DoesNotContain("pipe:", DescriptorsWith(keepReader: true), StringComparison.Ordinal);

        static string DescriptorsWith(bool keepReader)
        {
            using var stock = new StockImages("kinds");
            Container container = stock.Parse();
            PipeEnd writer = container.Files.OfType<PipeEnd>().Single(end => (end.Flags & 3) == 1);
            DescriptorTable table = container.DescriptorTables.Single(t => t.Id == container.Processes[0].Shares.Descriptors);
            DescriptorTable redirected = table with { Descriptors = [.. table.Descriptors.Select(d => d.Number == 1 ? d with { File = writer.Id } : d)] };
            container = container with
            {
                Files = [.. container.Files.Where(f => keepReader || f is not PipeEnd || f == writer)],
                DescriptorTables = [redirected, .. keepReader ? container.DescriptorTables.Where(t => t != table) : []],
            };
            return System.Text.Encoding.UTF8.GetString(stock.Build(container).Images["descriptors.json"].Span);
        }
    }

    [Fact]
    public void Shared_memory_without_a_name_is_written_as_the_memfd_that_CRIU_makes_of_it()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        Process first = container.Processes[0];
        var segment = new SharedMemory(new SharedMemoryId(77), []);
        VmArea area = first.Memory!.Areas[0] with { Kind = VmAreaKind.SharedAnonymous, File = null, SharedMemory = segment.Id, Offset = 0x1000 };
        CriuImageSet set = stock.Build(container with
        {
            SharedMemory = [.. container.SharedMemory, segment],
            Processes = [first with { Memory = first.Memory with { Areas = [area, .. first.Memory.Areas[1..]] } }, .. container.Processes[1..]],
        });

        VmaEntry written = Only<MmEntry>(set, CriuImageKinds.Mm, 1).Vmas[0];
        Container read = CriuImageParser.Parse(set, CriuImageLimits.Default);
        MemfdInode inode = read.MemfdInodes.Single(memfd => memfd.Name == "/dev/zero");
        MemfdFile file = read.Files.OfType<MemfdFile>().Single(memfd => memfd.Inode == inode.Id);
        Assert.Equal((1u, 1u | 128 | 16384, (ulong)file.Id.Value), (written.Flags, written.Status, written.Shmid));
        Assert.Equal((0x1000 + area.End - area.Start, segment.Id), (inode.Size, inode.Memory));
    }

    [Fact]
    public void The_network_lock_is_left_to_the_host_where_it_says_so()
    {
        using var stock = new StockImages("redis");
        CriuImageSet set = CriuImageBuilder.Build(stock.Parse(), stock.Contents, new CriuImageOptions { NetworkLock = NetworkLock.Skip });
        Assert.Equal(2u, Only<InventoryEntry>(set, CriuImageKinds.Inventory).NetworkLockMethod);
    }

    [Fact]
    public void Page_images_are_for_their_owner_alone()
    {
        using var stock = new StockImages("kinds");
        string folder = Path.Combine(stock.Folder, "built");
        stock.Build(stock.Parse()).WriteToDirectory(folder, stock.Contents);
        Assert.All(Directory.GetFiles(folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    private static T Only<T>(CriuImageSet set, CriuImageKind kind, ulong number) => Only<T>(set, kind, kind.FileName(number));

    private static T Only<T>(CriuImageSet set, CriuImageKind kind) => Only<T>(set, kind, kind.FileName());

    private static T Only<T>(CriuImageSet set, CriuImageKind kind, string file) =>
        (T)Assert.Single(CriuImageReader.Read(file, kind, set.Images[file], CriuImageLimits.Default)).Message;
}
