"""The commands of the shell, by subject: name -> (commands, how many events of watches they bring)."""

SECTIONS = {
    "a_fresh_server": ([
        "ls /", "ls -s /zookeeper", "ls -R /", "get /zookeeper/quota", "getAcl /", "getAcl /zookeeper/config", "getAllChildrenNumber /",
        "version", "whoami", "stat /zookeeper/quota",
    ], 0),
    "create": ([
        'create /c "hello world"', "get /c", "get -s /c", "create /c again", "create /none/x", "create /c/plain", "create -e /c/e data", "create -s /c/s- x",
        "create -e -s /c/es- y", "create -c /c/container", "create -t 60000 /c/ttl t", "create -s -t 60000 /c/ttl- t", "create -t 0 /c/bad", "create /c/e/x",
        "create -e -c /c/both", "create relative", "create /c/", "create /c//x", "create /c/acl data world:anyone:r", "create /c/badacl data nosuch:x:r",
        "ls /c", "ls -s /c", "ls -R /c", "stat /c", "stat /c/e", "stat /c/container", "stat /c/ttl", "stat /none", "getEphemerals", "getEphemerals /c/es",
        "getEphemerals /none", "getAllChildrenNumber /c", "getAllChildrenNumber /none", "ls /none",
    ], 0),
    "set_and_get": ([
        "set /c one", "get -s /c", "set -v 1 /c two", "set -v 1 /c three", "set -s /c four", "set /none x", "get /none", "set /c ''", "get /c", "stat /c",
        "set /c/acl x", "get /c/acl",
    ], 0),
    "unicode": ([
        "create /c/\u00e9t\u00e9 \u65e5\u672c", "get /c/\u00e9t\u00e9", "ls /c", "delete /c/\u00e9t\u00e9",
    ], 0),
    "delete": ([
        "create /d", "create /d/1", "create /d/1/2", "create /d/1/3", "delete /d", "delete -v 5 /d/1/2", "delete -v 0 /d/1/2", "delete /none", "delete /zookeeper",
        "delete /", "deleteall /d", "ls /d", "deleteall /none", "create /d2", "create /d2/1", "create /d2/2", "create /d2/3", "deleteall -b 2 /d2", "ls /d2",
    ], 0),
    "sequence_goes_on": ([
        "create /q", "create -s /q/n-", "create -s /q/n-", "delete /q/n-0000000001", "create -s /q/n-", "create /q/plain", "create -s /q/n-", "ls -s /q",
    ], 0),
    "acl": ([
        "create /a", "getAcl /a", "getAcl -s /a", "setAcl /a world:anyone:cdrwa", "setAcl -s /a world:anyone:cdrwa", "setAcl -v 7 /a world:anyone:r",
        "setAcl /a world:nobody:r", "setAcl /a digest:bad:r", "setAcl /a auth::r", "setAcl /none world:anyone:r", "getAcl /none", "setAcl /a ip:127.0.0.1:cdrwa", "getAcl /a",
        "set /a x", "setAcl -R /a world:anyone:cdrwa", "setAcl /a ip:10.0.0.0/8:cdrwa", "get /a", "set /a x", "create /a/x", "getAcl /a", "delete /a",
    ], 0),
    "auth": ([
        "addauth digest bob:secret", "whoami", "create /b data auth::cdrwa", "getAcl /b", "get /b", "setAcl /b digest:bob:fyVmFCwVbTJYrznoSu1koqYEYF0=:cdrwa", "getAcl /b",
        "addauth digest alice:pass", "create /b2 data auth::cdr", "getAcl /b2", "set /b2 x",
        "create /b3 data digest:carol:aaaaaaaaaaaaaaaaaaaaaaaaaaa=:r,world:anyone:r", "getAcl /b3", "set /b3 x",
    ], 0),
    "quota": ([
        "create /u", "create /u/1 12345", "listquota /u", "setquota -n 3 /u", "listquota /u", "setquota -b 100 /u", "listquota /u", "create /u/2", "create /u/3",
        "create /u/4", "listquota /u", "setquota -n 1 /u/1", "setquota -N 10 /u", "setquota -B 1000 /u", "listquota /u", "get /zookeeper/quota/u/zookeeper_limits",
        "get /zookeeper/quota/u/zookeeper_stats", "ls -R /zookeeper/quota", "delquota -n /u", "listquota /u", "delquota -b /u", "delquota /u", "listquota /u",
        "setquota -n 3 /none", "ls -R /zookeeper",
    ], 0),
    "watches": ([
        "create /w", "get -w /w", "set /w x", "set /w y", "ls -w /w", "create /w/1", "create /w/2", "stat -w /w", "delete /w/1", "set /w z", "stat -w /none-yet",
        "ls -w /w", "delete /w/2", "get -w /w", "delete /w",
    ], 5),
    "persistent_watches": ([
        "create /p", "addWatch -m PERSISTENT /p", "set /p x", "set /p y", "create /p/1", "set /p/1 x", "delete /p/1", "removewatches /p",
        "set /p z", "addWatch /p", "create /p/1", "create /p/1/2", "set /p/1/2 x", "delete /p/1/2", "delete /p/1", "set /p z", "removewatches /p -a", "set /p z",
        "removewatches /p", "removewatches /none", "addWatch -m NOSUCH /p",
    ], 9),
    "remove_watches": ([
        "create /r", "get -w /r", "ls -w /r", "removewatches /r -c", "create /r/1", "removewatches /r -d", "set /r x", "removewatches /r -d", "get -w /r",
        "removewatches /r -a", "set /r y",
    ], 3),
    "configuration": ([
        "config", "config -s", "get /zookeeper/config", "reconfig -remove 3", "reconfig -add 4=127.0.0.1:1:2;3", "reconfig -members 1=127.0.0.1:1:2;3",
    ], 0),
    "sync_and_more": ([
        "sync /", "sync /none", "printwatches off", "printwatches on", "nonsense", "ls", "get", "create",
    ], 0),
}
