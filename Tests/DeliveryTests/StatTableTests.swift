import Testing

@testable import Delivery

@Suite struct StatTableTests {
  private let header =
    "# pxname,svname,qcur,qmax,scur,status,iid,sid,type,check_status,last_chk,agent,\n"

  @Test func columnsAreFoundByName() throws {
    let table = try StatTable(
      header + "shop,web-01,1,9,3,UP,2,7,2,L7OK,HTTP status check returned code <200>,,\n\n")
    #expect(
      table.rows == [
        StatTable.Row(
          number: 7,
          server: BalancedServer(
            host: "web-01", state: .up, sessions: 4, check: "L7OK HTTP status check returned code <200>"),
          isChecked: true, isUnproven: false)
      ])
    let turned = try StatTable(
      "# type,svname,last_chk,check_status,sid,status,scur,qcur,\n2,b,,,1,no check,0,0,\n")
    #expect(turned.rows.map(\.server) == [BalancedServer(host: "b", state: .up)])
    #expect(turned.rows.map(\.isChecked) == [false])
    let begun = try StatTable(header + "shop,web-01,1,9,3,UP,2,7,2,INI,Initializing,,\n")
    #expect(begun.rows.map(\.isUnproven) == [true])
  }

  @Test func onlyServersAreRead() throws {
    let table = try StatTable(
      header
        + "shop,FRONTEND,,,5,OPEN,2,0,0,,,,\nshop,a,0,0,0,MAINT,2,1,2,,,,\nshop,BACKEND,0,0,5,UP,2,0,1,,,,\n")
    #expect(table.rows.map(\.server.host) == ["a"])
  }

  @Test func quotedCellsMayHoldCommasAndQuotes() {
    #expect(StatTable.cells(#"a,"b,""c""",,d"#) == ["a", #"b,"c""#, "", "d"])
  }

  @Test(arguments: [
    ("UP", BalancedServer.State.up), ("UP 1/3", .up), ("no check", .up), ("DOWN", .down), ("DOWN 1/2", .down),
    ("DOWN (agent)", .down), ("DRAIN", .drain), ("DRAIN (agent)", .drain), ("NOLB", .drain),
    ("MAINT", .maint),
    ("MAINT (via a/b)", .maint), ("MAINT (resolution)", .maint), ("something new", .down),
  ])
  func statesAreReadFromHAProxysWords(status: String, state: BalancedServer.State) {
    #expect(StatTable.state(status) == state)
  }

  @Test(arguments: [
    "No such proxy.\n\n", "", "Permission denied\n", "# pxname,svname,\nshop,a,\n",
    "# pxname,svname,qcur,qmax,scur,status,iid,sid,type,check_status,last_chk,agent,\nshop,a,0\n",
    "# pxname,svname,qcur,qmax,scur,status,iid,sid,type,check_status,last_chk,agent,\nshop,a,x,0,0,UP,2,7,2,,,,\n",
  ])
  func anythingElseIsAnError(answer: String) {
    #expect(throws: DeliveryFailure.self) { try StatTable(answer) }
  }

  @Test(arguments: ["a b", "a;set server x/y state maint", "a\nshow info", "", "a/b", "../x", "-a"])
  func aNameCannotAddACommand(name: String) {
    #expect(throws: DeliveryFailure.self) { try RuntimeCommand.set(name, of: "shop", to: .maint) }
    #expect(throws: DeliveryFailure.self) { try RuntimeCommand.servers(of: name) }
  }
}
