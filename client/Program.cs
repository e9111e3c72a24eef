using Watari.Client;

return await WatariCommand.RunAsync(args, Terminal.OfThisProcess());
